// What a repository is built with, and why we think so. Pure: folders in, projects out. Languages lead; task runners and
// containers count only where no language is found, because they wrap what the language's own tool does.
import { go } from './ecosystems/go.ts'
import { javascript } from './ecosystems/javascript.ts'
import { gradle, maven } from './ecosystems/jvm.ts'
import { container, dotnet, just, nix, php, ruby, staticSite, zig } from './ecosystems/more.ts'
import { autotools, cmake, make, meson } from './ecosystems/native.ts'
import { python } from './ecosystems/python.ts'
import { rust } from './ecosystems/rust.ts'
import type { Detector, Folder, Project } from './project.ts'

export type Detection = {
  projects: Project[]
  /** What was seen and left alone, with the reason. */
  passedOver: { path: string; reason: string }[]
}

/** Languages in the order in which their builds run: what others may need comes first. */
const LANGUAGES: readonly (readonly Detector[])[] = [[rust], [go], [zig], [maven, gradle], [dotnet], [python], [ruby], [php], [javascript]]
/** Of these, the first that fits; and only where there is no language. */
const OTHERS: readonly Detector[] = [cmake, meson, autotools, make, just, nix, container, staticSite]
/** Native code may stand beside a language without being built by it. */
const WRAPPERS: readonly (readonly [string, string])[] = [
  ['Makefile', 'make'],
  ['justfile', 'just'],
  ['Dockerfile', 'docker'],
  ['flake.nix', 'nix'],
  ['CMakeLists.txt', 'cmake'],
]
/** Folders whose projects are somebody else's, or samples. */
const NOT_OURS = /^(node_modules|vendor|third_party|target|dist|build|out|fixtures?|testdata|examples?|samples?|docs?|\..*)$/
const DEPTH_MAX = 3
const PROJECTS_MAX = 32

/** @param open a folder by its path from the root; undefined where there is none */
export function detect(open: (path: string) => Folder | undefined): Detection {
  const root = open('')
  if (root === undefined) return { projects: [], passedOver: [] }
  const passedOver: Detection['passedOver'] = []
  const atRoot = projectsOf(root, passedOver)
  if (atRoot.length > 0) {
    const covered = atRoot.some(({ coversChildren }) => coversChildren === true)
    if (!covered)
      for (const { dir, reason } of below(root, open, []))
        passedOver.push({ path: dir, reason: `${reason}: the project at the root leads` })
    return { projects: atRoot, passedOver }
  }
  return { projects: below(root, open, passedOver), passedOver }
}

/** Projects in sub-folders, the nearest to the root first; what one covers is not looked into. */
function below(root: Folder, open: (path: string) => Folder | undefined, passedOver: Detection['passedOver']): Project[] {
  const found: Project[] = []
  let level = [root]
  for (let depth = 1; depth <= DEPTH_MAX && found.length < PROJECTS_MAX; depth++) {
    const next: Folder[] = []
    for (const parent of level) {
      for (const name of [...parent.names].filter((one) => one.endsWith('/')).sort()) {
        const child = NOT_OURS.test(name.slice(0, -1))
          ? undefined
          : open(`${parent.path === '' ? '' : `${parent.path}/`}${name.slice(0, -1)}`)
        if (child === undefined) continue
        const projects = projectsOf(child, passedOver).filter(({ ecosystem }) => ecosystem !== 'static' && ecosystem !== 'container')
        found.push(...projects)
        if (projects.length === 0) next.push(child)
      }
    }
    level = next
  }
  return found.slice(0, PROJECTS_MAX)
}

function projectsOf(folder: Folder, passedOver: Detection['passedOver']): Project[] {
  const languages = LANGUAGES.flatMap((kin) => {
    for (const detector of kin) {
      const project = detector(folder)
      if (project !== undefined) return [project]
    }
    return []
  })
  // A package.json that only holds scripts of tools beside another language is not the project.
  const leading = languages.length > 1 ? languages.filter((project) => project.steps.some(({ phase }) => phase !== 'install')) : languages
  if (leading.length > 0) {
    const used = leading.map(({ reason }) => reason).join(', ')
    for (const [file, tool] of WRAPPERS)
      if (folder.names.has(file))
        passedOver.push({ path: folder.path === '' ? file : `${folder.path}/${file}`, reason: `${tool} is not used: ${used} leads` })
    return leading
  }
  for (const detector of OTHERS) {
    const project = detector(folder)
    if (project !== undefined) return [project]
  }
  return []
}
