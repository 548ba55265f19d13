// Java and its kin: maven and gradle, through the repository's own wrapper where it has one.
import type { Detector, Folder, Tool } from '../project.ts'
import { firstOf, stepsOf, within } from '../project.ts'
import type { Pin } from '../toolchain.ts'
import { pinOf, saidBy, toolFrom } from '../toolchain.ts'

export const maven: Detector = (folder) => {
  if (!folder.names.has('pom.xml')) return undefined
  const wrapper = folder.names.has('mvnw')
  const mvn = [wrapper ? './mvnw' : 'mvn', '-B', '-ntp']
  const pom = folder.read('pom.xml') ?? ''
  return {
    ecosystem: 'maven',
    dir: folder.path,
    reason: 'pom.xml',
    tools: [
      javaOf(folder, /<(?:maven\.compiler\.release|java\.version|release)>\s*([\d.]+)\s*</.exec(pom)?.[1], 'pom.xml'),
      ...(wrapper ? [] : [toolFrom('mvn', 'pom.xml', sdkman(folder, 'maven'), pinOf(folder, [], ['maven']))]),
    ],
    steps: stepsOf(folder, {
      // Surefire fetches what runs the tests when it runs them: a first run of all of it is the only way to have everything here.
      install: [{ argv: [...mvn, '-Dmaven.test.failure.ignore=true', 'package'], reason: 'pom.xml' }],
      build: [{ argv: [...mvn, '-o', 'package', '-DskipTests'], reason: 'pom.xml' }],
      test: [{ argv: [...mvn, '-o', 'test'], reason: 'pom.xml' }],
    }),
    artifacts: ['', '*/'].flatMap((part) => ['jar', 'war'].map((kind) => within(folder, `${part}target/*.${kind}`))),
    lockFiles: [within(folder, 'pom.xml')],
    caches: [within(folder, 'target')],
    coversChildren: true,
  }
}

export const gradle: Detector = (folder) => {
  const file = firstOf(folder, ['build.gradle.kts', 'build.gradle', 'settings.gradle.kts', 'settings.gradle'])
  if (file === undefined) return undefined
  const wrapper = folder.names.has('gradlew')
  const argv = [wrapper ? './gradlew' : 'gradle', '--no-daemon', '--console=plain']
  const version = /(?:languageVersion.*?|sourceCompatibility\s*=?\s*(?:JavaVersion\.VERSION_)?['"]?)(\d+)/s.exec(
    folder.read(file) ?? '',
  )?.[1]
  return {
    ecosystem: 'gradle',
    dir: folder.path,
    reason: file,
    tools: [
      javaOf(folder, version, file),
      ...(wrapper ? [] : [toolFrom('gradle', file, sdkman(folder, 'gradle'), pinOf(folder, [], ['gradle']))]),
    ],
    steps: stepsOf(folder, {
      install: [{ argv: [...argv, 'dependencies'], reason: file }],
      build: [{ argv: [...argv, 'assemble'], reason: file }],
      test: [{ argv: [...argv, 'check'], reason: file }],
    }),
    artifacts: [within(folder, '**/build/libs/*.jar')],
    lockFiles: [within(folder, folder.names.has('gradle.lockfile') ? 'gradle.lockfile' : file)],
    caches: [within(folder, '.gradle')],
    coversChildren: true,
  }
}

function javaOf(folder: Folder, declared: string | undefined, reason: string): Tool {
  const tool = toolFrom(
    'java',
    reason,
    pinOf(folder, ['.java-version'], ['java']),
    sdkman(folder, 'java'),
    saidBy('system.properties', /^java\.runtime\.version\s*=\s*(\S+)/m.exec(folder.read('system.properties') ?? '')?.[1]),
    saidBy(reason, declared === undefined ? undefined : `>=${declared}`),
  )
  // Before a maker's name stands no version, and Java 8 still calls itself 1.8.
  return tool.version === undefined
    ? tool
    : { ...tool, version: tool.version.replace(/^[a-z][\w.]*?-(?=\d)/i, '').replace(/^1\.(?=[5-8](\D|$))/, '') }
}

function sdkman(folder: Folder, name: string): Pin | undefined {
  return saidBy('.sdkmanrc', new RegExp(`^${name}=(\\S+)`, 'm').exec(folder.read('.sdkmanrc') ?? '')?.[1])
}
