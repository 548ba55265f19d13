// Ecosystems whose rules fit into a few lines each.
import { objectAt, readJson, textAt } from '../manifests.ts'
import type { Detector, Folder } from '../project.ts'
import { anyName, firstOf, stepsOf, within } from '../project.ts'
import { pinOf, saidBy, toolFrom } from '../toolchain.ts'

export const dotnet: Detector = (folder) => {
  const file = anyName(folder, /\.(sln|slnx)$/) ?? anyName(folder, /\.(cs|fs|vb)proj$/)
  if (file === undefined) return undefined
  const sdk = textAt(readJson(folder, 'global.json'), 'sdk', 'version')
  return {
    ecosystem: 'dotnet',
    dir: folder.path,
    reason: file,
    tools: [toolFrom('dotnet', file, saidBy('global.json', sdk), pinOf(folder, [], ['dotnet', 'dotnet-core']))],
    steps: stepsOf(folder, {
      install: [{ argv: ['dotnet', 'restore'], reason: file }],
      build: [{ argv: ['dotnet', 'build', '--no-restore', '-c', 'Release'], reason: file }],
      test: [{ argv: ['dotnet', 'test', '--no-build', '-c', 'Release'], reason: file }],
    }),
    artifacts: [within(folder, '**/bin/Release/**')],
    lockFiles: [within(folder, folder.names.has('packages.lock.json') ? 'packages.lock.json' : file)],
    caches: [],
    coversChildren: true,
  }
}

export const ruby: Detector = (folder) => {
  const file = firstOf(folder, ['Gemfile', 'gems.rb'])
  if (file === undefined) return undefined
  const ruby = toolFrom(
    'ruby',
    file,
    pinOf(folder, ['.ruby-version'], ['ruby']),
    saidBy(file, /^\s*ruby\s+['"]([^'"]+)['"]/m.exec(folder.read(file) ?? '')?.[1]),
  )
  const gemspec = anyName(folder, /\.gemspec$/)
  const test =
    folder.names.has('spec/') || folder.names.has('.rspec')
      ? { argv: ['bundle', 'exec', 'rspec'], reason: 'spec/' }
      : folder.names.has('Rakefile')
        ? { argv: ['bundle', 'exec', 'rake', 'test'], reason: 'Rakefile' }
        : undefined
  return {
    ecosystem: 'ruby',
    dir: folder.path,
    reason: file,
    tools: [ruby.version === undefined ? ruby : { ...ruby, version: ruby.version.replace(/^ruby-/, '') }, { name: 'bundle', reason: file }],
    steps: stepsOf(folder, {
      install: [{ argv: ['bundle', 'install'], reason: folder.names.has('Gemfile.lock') ? 'Gemfile.lock' : file }],
      build: gemspec === undefined ? [] : [{ argv: ['gem', 'build', gemspec], reason: gemspec }],
      test: test === undefined ? [] : [test],
    }),
    artifacts: gemspec === undefined ? [] : [within(folder, '*.gem')],
    lockFiles: [within(folder, folder.names.has('Gemfile.lock') ? 'Gemfile.lock' : file)],
    caches: [within(folder, 'vendor/bundle')],
  }
}

export const php: Detector = (folder) => {
  if (!folder.names.has('composer.json')) return undefined
  const manifest = readJson(folder, 'composer.json')
  const scripts = objectAt(manifest, 'scripts')
  const locked = folder.names.has('composer.lock')
  const phpunit = firstOf(folder, ['phpunit.xml', 'phpunit.xml.dist'])
  const test =
    'test' in scripts
      ? [{ argv: ['composer', 'run-script', 'test'], reason: 'composer.json has a script "test"' }]
      : phpunit === undefined
        ? []
        : [{ argv: ['vendor/bin/phpunit'], reason: phpunit }]
  return {
    ecosystem: 'composer',
    dir: folder.path,
    reason: 'composer.json',
    tools: [
      toolFrom(
        'php',
        'composer.json',
        pinOf(folder, ['.php-version'], ['php']),
        saidBy('composer.json', textAt(manifest, 'require', 'php')),
      ),
      { name: 'composer', reason: 'composer.json' },
    ],
    steps: stepsOf(folder, {
      install: [{ argv: ['composer', 'install', '--no-interaction'], reason: locked ? 'composer.lock' : 'composer.json' }],
      build: 'build' in scripts ? [{ argv: ['composer', 'run-script', 'build'], reason: 'composer.json has a script "build"' }] : [],
      test,
    }),
    artifacts: [],
    lockFiles: [within(folder, locked ? 'composer.lock' : 'composer.json')],
    caches: [within(folder, 'vendor')],
  }
}

export const zig: Detector = (folder) => {
  if (!folder.names.has('build.zig')) return undefined
  const least = /\.minimum_zig_version\s*=\s*"([^"]+)"/.exec(folder.read('build.zig.zon') ?? '')?.[1]
  const tested = /b\.step\(\s*"test"/.test(folder.read('build.zig') ?? '')
  return {
    ecosystem: 'zig',
    dir: folder.path,
    reason: 'build.zig',
    tools: [
      toolFrom(
        'zig',
        'build.zig',
        pinOf(folder, ['.zigversion'], ['zig']),
        saidBy('build.zig.zon', least === undefined ? undefined : `>=${least}`),
      ),
    ],
    steps: stepsOf(folder, {
      install: folder.names.has('build.zig.zon') ? [{ argv: ['zig', 'build', '--fetch'], reason: 'build.zig.zon' }] : [],
      build: [{ argv: ['zig', 'build'], reason: 'build.zig' }],
      test: tested ? [{ argv: ['zig', 'build', 'test'], reason: 'build.zig has a step "test"' }] : [],
    }),
    artifacts: [within(folder, 'zig-out/**')],
    lockFiles: [within(folder, folder.names.has('build.zig.zon') ? 'build.zig.zon' : 'build.zig')],
    caches: [within(folder, '.zig-cache')],
  }
}

export const nix: Detector = (folder) => {
  const file = firstOf(folder, ['flake.nix', 'default.nix'])
  if (file === undefined) return undefined
  const flake = file === 'flake.nix'
  return {
    ecosystem: 'nix',
    dir: folder.path,
    reason: file,
    tools: [{ name: 'nix', reason: file }],
    steps: stepsOf(folder, {
      // Nix fetches while it builds: it has its own sandbox around that.
      install: [{ argv: flake ? ['nix', 'build'] : ['nix-build'], reason: file }],
      test: flake ? [{ argv: ['nix', 'flake', 'check'], reason: file }] : [],
    }),
    artifacts: [within(folder, 'result/**')],
    lockFiles: [within(folder, folder.names.has('flake.lock') ? 'flake.lock' : file)],
    caches: [],
    coversChildren: true,
  }
}

export const just: Detector = (folder) => {
  const file = firstOf(folder, ['justfile', 'Justfile', '.justfile'])
  if (file === undefined) return undefined
  const recipes = new Set([...(folder.read(file) ?? '').matchAll(/^@?([a-zA-Z_][\w-]*)\b[^:\n]*:(?!=)/gm)].map((match) => match[1]))
  const named = (names: readonly string[]): { argv: string[]; reason: string }[] =>
    names
      .filter((name) => recipes.has(name))
      .slice(0, 1)
      .map((name) => ({ argv: ['just', name], reason: `${file} has a recipe "${name}"` }))
  const steps = stepsOf(folder, {
    install: named(['install', 'deps', 'setup']),
    build: named(['build', 'default', 'all']),
    test: named(['test', 'check']),
  })
  return steps.length === 0
    ? undefined
    : {
        ecosystem: 'just',
        dir: folder.path,
        reason: file,
        tools: [{ name: 'just', reason: file }],
        steps,
        artifacts: [],
        lockFiles: [],
        caches: [],
        coversChildren: true,
      }
}

export const container: Detector = (folder) => {
  const file = firstOf(folder, ['Dockerfile', 'Containerfile'])
  if (file === undefined) return undefined
  return {
    ecosystem: 'container',
    dir: folder.path,
    reason: file,
    tools: [{ name: 'docker', reason: file }],
    // A build of an image fetches its base: it needs the network throughout.
    steps: stepsOf(folder, { install: [{ argv: ['docker', 'build', '-f', file, '.'], reason: file }] }),
    artifacts: [],
    lockFiles: [],
    caches: [],
    coversChildren: true,
  }
}

export const staticSite: Detector = (folder) => {
  const page = firstOf(folder, ['index.html', 'index.htm'])
  return page === undefined
    ? undefined
    : {
        ecosystem: 'static',
        dir: folder.path,
        reason: page,
        tools: [],
        steps: [],
        artifacts: pagesOf(folder),
        lockFiles: [],
        caches: [],
        coversChildren: true,
      }
}

function pagesOf(folder: Folder): string[] {
  return [...folder.names].filter((name) => !name.startsWith('.')).map((name) => within(folder, name.endsWith('/') ? `${name}**` : name))
}
