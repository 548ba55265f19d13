// The rules of the house, held against the whole tree. Each failure says where, what and the cure.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bannedCalls } from './rules/banned-calls.ts'
import { emptyCatches, headerComments } from './rules/comments.ts'
import { committedText } from './rules/committed-text.ts'
import { deadFiles } from './rules/dead-files.ts'
import { dependencyTable } from './rules/dependency-table.ts'
import { fileNames } from './rules/file-names.ts'
import { functionLength } from './rules/function-length.ts'
import { importCycles } from './rules/import-cycles.ts'
import { importDirection } from './rules/import-direction.ts'
import { namedExports } from './rules/named-exports.ts'
import { packageBorders } from './rules/package-borders.ts'
import { fileSizes, folderSizes } from './rules/sizes.ts'
import { parseSources, readTexts, repositoryRoot } from './source-tree.ts'

const texts = readTexts()
const sources = parseSources(texts)

test.each([
  ['imports go down the rank table', importDirection],
  ['no import cycles', importCycles],
  ['packages stay in their rooms', packageBorders],
  ['time, randomness and the terminal are used through their doors', bannedCalls],
  ['files are short', fileSizes],
  ['folders tell one subject', folderSizes],
  ['functions fit on a screen', functionLength],
  ['files are named after their subject', fileNames],
  ['exports have names', namedExports],
  ['every source says what it is', headerComments],
  ['no error is dropped without a reason', emptyCatches],
  ['no file is dead', deadFiles],
] as const)('%s', (_name, rule) => {
  expect(rule(sources)).toEqual([])
})

test('nothing unfinished or private is committed', () => {
  expect(committedText(texts)).toEqual([])
})

test('every dependency has a row in the README', (context) => {
  const readme = join(repositoryRoot, 'README.md')
  if (!existsSync(readme)) context.skip('README.md does not exist yet')
  const manifest: unknown = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8'))
  expect(dependencyTable(manifest as Parameters<typeof dependencyTable>[0], readFileSync(readme, 'utf8'))).toEqual([])
})
