import { expect, test } from 'vitest'
import { detect } from '../../../node/builds/detect.ts'
import { readOverride } from '../../../node/builds/override.ts'
import { planBuild } from '../../../node/builds/plan.ts'
import { SCRIPTING_LAYOUTS } from './layouts.ts'
import { MORE_LAYOUTS } from './more-layouts.ts'
import { listedTree } from './listed-tree.ts'

test.each([...SCRIPTING_LAYOUTS, ...MORE_LAYOUTS])('detection: $name', ({ files, steps, tools, passedOver }) => {
  const detection = detect(listedTree(files))
  const plan = planBuild(detection)
  expect(plan.steps.map(({ dir, argv }) => (dir === '' ? '' : `${dir}: `) + argv.join(' '))).toEqual(steps)
  if (tools !== undefined)
    expect(plan.tools.map(({ name, version }) => (version === undefined ? name : `${name} ${version}`))).toEqual(tools)
  if (passedOver !== undefined) expect(detection.passedOver.map(({ path }) => path)).toEqual(passedOver)
  for (const step of plan.steps) expect(step.reason).not.toBe('')
})

test('a static site hands on its pages', () => {
  const plan = planBuild(detect(listedTree({ 'index.html': '', 'img/a.png': '', '.git/config': '' })))
  expect(plan.artifacts).toEqual(['index.html', 'img/**'])
})

test('nimbus.yaml overrides phase by phase, and says so', () => {
  const files = { 'package.json': JSON.stringify({ scripts: { build: 'x', test: 'y' } }), 'package-lock.json': '{}' }
  const override = readOverride('build: make site\nartifacts: [out/**]\ntools:\n  hugo: "0.120"\nskills: [gpu]\n')
  const plan = planBuild(detect(listedTree(files)), override)
  expect(plan.steps.map(({ argv }) => argv)).toEqual([
    ['npm', 'ci'],
    ['sh', '-c', 'make site'],
    ['npm', 'test'],
  ])
  expect(plan.reasons).toContain('nimbus.yaml → sh -c make site')
  expect(plan.reasons).toContain('package-lock.json → npm ci')
  expect(plan).toMatchObject({ artifacts: ['out/**'], skills: ['gpu'] })
  expect(plan.tools).toContainEqual({ name: 'hugo', version: '0.120', reason: 'nimbus.yaml' })
})

test.each([
  ['biuld: make', 'biuld'],
  ['build: 3', 'build'],
  ['dir: ../outside', 'must stay inside the repository'],
  ['artifacts: dist', 'artifacts'],
  ['a: [', 'nimbus.yaml is refused'],
  ['x: &a [1]\ny: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nz: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nq: [*c,*c,*c,*c]', 'alias'],
])('nimbus.yaml with a mistake is refused by name: %j', (text, words) => {
  expect(() => readOverride(text)).toThrow(words)
})
