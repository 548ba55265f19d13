// C and C++: cmake before meson before autotools before a Makefile of one's own. Where one exists, the next is its output or its front door.
import type { Detector, Folder } from '../project.ts'
import { anyName, firstOf, stepsOf, within } from '../project.ts'
import { saidBy, toolFrom } from '../toolchain.ts'

const NOTHING_TO_FETCH = { lockFiles: [], caches: [] }

export const cmake: Detector = (folder) => {
  if (!folder.names.has('CMakeLists.txt')) return undefined
  const text = folder.read('CMakeLists.txt') ?? ''
  const minimum = /cmake_minimum_required\s*\(\s*VERSION\s+(\d+(?:\.\d+)*)/i.exec(text)?.[1]
  const tested = /\b(enable_testing|include\s*\(\s*CTest)/i.test(text)
  return {
    ecosystem: 'cmake',
    dir: folder.path,
    reason: 'CMakeLists.txt',
    tools: [
      { name: 'cmake', reason: 'CMakeLists.txt', ...(minimum === undefined ? {} : { version: `>=${minimum}` }) },
      compiler('CMakeLists.txt'),
    ],
    steps: stepsOf(folder, {
      // Configuring may fetch what FetchContent names.
      install: [{ argv: ['cmake', '-S', '.', '-B', 'build', '-DCMAKE_BUILD_TYPE=Release'], reason: 'CMakeLists.txt' }],
      build: [{ argv: ['cmake', '--build', 'build', '--parallel'], reason: 'CMakeLists.txt' }],
      test: tested ? [{ argv: ['ctest', '--test-dir', 'build', '--output-on-failure'], reason: 'CMakeLists.txt enables testing' }] : [],
    }),
    artifacts: [...text.matchAll(/add_executable\s*\(\s*([\w-]+)/gi)].map((match) => within(folder, `build/${match[1] ?? ''}`)),
    ...NOTHING_TO_FETCH,
    coversChildren: true,
  }
}

export const meson: Detector = (folder) => {
  if (!folder.names.has('meson.build')) return undefined
  const text = folder.read('meson.build') ?? ''
  const executables = [...text.matchAll(/\bexecutable\s*\(\s*'([\w-]+)'/g)].map((match) => match[1] ?? '')
  return {
    ecosystem: 'meson',
    dir: folder.path,
    reason: 'meson.build',
    tools: [
      toolFrom('meson', 'meson.build', saidBy('meson.build', /\bmeson_version\s*:\s*'([^']+)'/.exec(text)?.[1])),
      { name: 'ninja', reason: 'meson.build' },
      compiler('meson.build'),
    ],
    steps: stepsOf(folder, {
      install: [{ argv: ['meson', 'setup', 'build', '--buildtype=release'], reason: 'meson.build' }],
      build: [{ argv: ['meson', 'compile', '-C', 'build'], reason: 'meson.build' }],
      test: /\btest\s*\(/.test(text) ? [{ argv: ['meson', 'test', '-C', 'build'], reason: 'meson.build has tests' }] : [],
    }),
    artifacts: executables.map((name) => within(folder, `build/${name}`)),
    ...NOTHING_TO_FETCH,
    coversChildren: true,
  }
}

export const autotools: Detector = (folder) => {
  const file = firstOf(folder, ['configure', 'configure.ac'])
  if (file === undefined) return undefined
  const generate = file === 'configure' ? [] : [{ argv: ['autoreconf', '--install'], reason: file }]
  return {
    ecosystem: 'autotools',
    dir: folder.path,
    reason: file,
    tools: [{ name: 'make', reason: file }, compiler(file), ...(file === 'configure' ? [] : [{ name: 'autoreconf', reason: file }])],
    steps: stepsOf(folder, {
      build: [...generate, { argv: ['./configure'], reason: file }, { argv: ['make'], reason: file }],
      test: [{ argv: ['make', 'check'], reason: file }],
    }),
    artifacts: [],
    ...NOTHING_TO_FETCH,
    coversChildren: true,
  }
}

export const make: Detector = (folder) => {
  const file = firstOf(folder, ['GNUmakefile', 'makefile', 'Makefile'])
  if (file === undefined) return undefined
  const targets = new Set(
    [...(folder.read(file) ?? '').matchAll(/^([A-Za-z0-9_.-]+)(?:\s+[A-Za-z0-9_.-]+)*\s*:(?!=)/gm)].map((match) => match[1]),
  )
  const test = ['test', 'check'].find((name) => targets.has(name))
  const install = ['deps', 'dependencies', 'vendor'].find((name) => targets.has(name))
  const sources = anyName(folder, /\.(c|cc|cpp|cxx)$/) !== undefined || folder.has('src/main.c') || folder.has('src/main.cpp')
  return {
    ecosystem: 'make',
    dir: folder.path,
    reason: file,
    tools: [{ name: 'make', reason: file }, ...(sources ? [compiler(file)] : [])],
    steps: stepsOf(folder, {
      install: install === undefined ? [] : [{ argv: ['make', install], reason: `${file} has a target "${install}"` }],
      build: [{ argv: ['make', ...(targets.has('all') ? ['all'] : targets.has('build') ? ['build'] : [])], reason: file }],
      test: test === undefined ? [] : [{ argv: ['make', test], reason: `${file} has a target "${test}"` }],
    }),
    artifacts: outputsOf(folder, file),
    ...NOTHING_TO_FETCH,
    coversChildren: true,
  }
}

/** What `all` or the first rule is said to make, where it is a file and no phony word. */
function outputsOf(folder: Folder, file: string): string[] {
  const text = folder.read(file) ?? ''
  const phony = new Set((/^\.PHONY\s*:(.*)$/m.exec(text)?.[1] ?? '').trim().split(/\s+/))
  const made = (/^all\s*:(?!=)(.*)$/m.exec(text)?.[1] ?? '').trim().split(/\s+/)
  return made.filter((name) => /^[\w./-]+$/.test(name) && !phony.has(name)).map((name) => within(folder, name))
}

function compiler(reason: string): { name: string; reason: string } {
  return { name: 'cc', reason }
}
