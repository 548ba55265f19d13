import { mkdtemp, mkdir, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runCli } from '../../support/real-mesh.ts'

test('build plan says what would run in a folder and why, and runs nothing', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'nimbus-plan-'))
  await writeFile(join(dir, 'package.json'), JSON.stringify({ scripts: { build: 'touch ran', test: 'touch ran' } }))
  await writeFile(join(dir, 'package-lock.json'), '{}')
  await mkdir(join(dir, 'site'))
  await symlink('/etc', join(dir, 'link'))
  const { code, stdout } = await runCli(['build', 'plan', dir, '--json'])
  expect(code).toBe(0)
  const plan = JSON.parse(stdout) as { steps: { argv: string[]; reason: string }[] }
  expect(plan.steps.map(({ argv }) => argv.join(' '))).toEqual(['npm ci', 'npm run build', 'npm test'])
  const human = await runCli(['build', 'plan', dir])
  expect(human.stdout).toContain('package-lock.json')
  expect(human.stdout).toContain('needs node')
})

test('a mistake in nimbus.yaml and a missing folder are refused in words', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'nimbus-plan-'))
  await writeFile(join(dir, 'nimbus.yaml'), 'biuld: make\n')
  const wrong = await runCli(['build', 'plan', dir])
  expect(wrong.code).toBe(2)
  expect(wrong.stderr).toMatch(/nimbus\.yaml is refused.*biuld/s)
  expect((await runCli(['build', 'plan', join(dir, 'nowhere')])).code).toBe(3)
})
