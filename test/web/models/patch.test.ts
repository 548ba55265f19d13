import { expect, test } from 'vitest'
import { readPatch, reviewText } from '../../../web/src/models/agents/patch.ts'

const PATCH = `diff --git a/add.mjs b/add.mjs
index 1..2 100644
--- a/add.mjs
+++ b/add.mjs
@@ -1,3 +1,4 @@ export
 one
-two\u001b[31m
--- a line that begins like a head
+deux
+++ and one more
+trois
 four
diff --git a/new name.txt b/new name.txt
new file mode 100644
--- /dev/null
+++ b/new name.txt
@@ -0,0 +1 @@
+hello
\\ No newline at end of file
diff --git a/old.bin b/moved.bin
similarity index 100%
rename from old.bin
rename to moved.bin
GIT binary patch
`

test('a patch is files, hunks and numbered lines, and nothing in it is alive', () => {
  const { files, cut } = readPatch(PATCH.replace('@@ -1,3 +1,4 @@', '@@ -1,4 +1,5 @@'))
  expect(cut).toBe(false)
  expect(files.map(({ path, from, what, binary, added, removed }) => [path, from, what, binary, added, removed])).toEqual([
    ['add.mjs', undefined, 'changed', false, 3, 2],
    ['new name.txt', undefined, 'new', false, 1, 0],
    ['moved.bin', 'old.bin', 'renamed', true, 0, 0],
  ])
  expect(files[0]?.hunks[0]?.lines).toEqual([
    { kind: 'same', text: 'one', before: 1, after: 1 },
    { kind: 'removed', text: 'two', before: 2 },
    { kind: 'removed', text: '-- a line that begins like a head', before: 3 },
    { kind: 'added', text: 'deux', after: 2 },
    { kind: 'added', text: '++ and one more', after: 3 },
    { kind: 'added', text: 'trois', after: 4 },
    { kind: 'same', text: 'four', before: 4, after: 5 },
  ])
})

test('a patch that is too long is cut and says so; what is none is nothing', () => {
  const long = `diff --git a/a b/a\n@@ -0,0 +1,9000 @@\n${'+x\n'.repeat(9_000)}`
  const { files, cut } = readPatch(long)
  expect([cut, files[0]?.added]).toEqual([true, 4_000])
  expect(readPatch('not a patch\n@@ -1 +1 @@\n+x')).toEqual({ files: [], cut: false })
})

test('comments are told with their place and the line that they are about', () => {
  const text = reviewText([
    { path: 'a.ts', line: { kind: 'added', text: 'let x', after: 7 }, text: ' use const ' },
    { path: 'b.ts', line: { kind: 'removed', text: 'y()', before: 3 }, text: 'why?' },
  ])
  expect(text).toContain('a.ts, line 7:\n> let x\nuse const\n\nb.ts, line 3 of before, which is removed:\n> y()\nwhy?')
})
