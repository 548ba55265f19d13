// Some packages and built-ins live in one room only, so that one room answers for processes, sockets, disk and git.
import { isProduct, type SourceFile } from '../source-tree.ts'

interface Border {
  packages: RegExp
  home: string
  /** Files outside the home that need it, each with its reason. */
  exceptions?: Record<string, string>
}

const BORDERS: Border[] = [
  {
    packages: /^(execa|(node:)?child_process|(node:)?cluster)$/,
    home: 'node/runner/',
    exceptions: { 'node/nimbus.js': 'starts the right Node before any of our code can run' },
  },
  { packages: /^(libp2p|@libp2p\/.+|@chainsafe\/.+|@multiformats\/.+)$/, home: 'node/mesh/' },
  { packages: /^isomorphic-git(\/.+)?$/, home: 'node/repos/' },
  { packages: /^(level|classic-level|abstract-level)$/, home: 'node/store/' },
]

export function packageBorders(files: readonly SourceFile[]): string[] {
  return files.filter(isProduct).flatMap(({ path, imports }) =>
    imports.flatMap(({ specifier, line }) => {
      const border = BORDERS.find(({ packages }) => packages.test(specifier))
      if (border === undefined || path.startsWith(border.home) || border.exceptions?.[path]) return []
      return [`${path}:${line} imports ${specifier}, which belongs to ${border.home}; use a port of that room`]
    }),
  )
}
