// A save is readable with its key, for its session, and not believed beyond that.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openState, type SavedState, sealState } from '../../../../node/agents/moving/saved-state.ts'
import { unpackFolder } from '../../../../node/agents/moving/unpack-folder.ts'

const KEY = new Uint8Array(32).fill(1)
const NONCE = new Uint8Array(12).fill(2)
const some = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))
const notes = { agentSession: 'abc-1', started: true, queue: [], taken: ['o1'], turns: 1, tokens: tokens(), costUsd: 0.5 }

function tokens() {
  return { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 }
}

function saved(more: Partial<SavedState> = {}): SavedState {
  const bytes = { state: some(JSON.stringify(notes)), history: some(''), config: some('tar'), bundle: some('bundle') }
  return { v: 1, session: 's1', tree: '/data/sessions/s1/tree', repository: true, files: 'a'.repeat(40), ...bytes, ...more }
}

test('opens with its key and session alone, whole or not at all', async () => {
  const box = await sealState(saved(), KEY, NONCE)
  expect(await openState('s1', KEY, box)).toMatchObject({ session: 's1', files: 'a'.repeat(40) })
  expect(Buffer.from(box).includes('sessions/s1')).toBe(false)
  await expect(openState('s2', KEY, box)).rejects.toMatchObject({ code: 'save-damaged' })
  await expect(openState('s1', new Uint8Array(32), box)).rejects.toMatchObject({ code: 'save-damaged' })
  const bent = Uint8Array.from(box)
  bent[40] = (bent[40] ?? 0) ^ 1
  await expect(openState('s1', KEY, bent)).rejects.toMatchObject({ code: 'save-damaged' })
})

test('names that would be words to a program are refused', async () => {
  for (const more of [
    { files: '--upload-pack=x' },
    { head: 'HEAD' },
    { branch: '--all' },
    { branch: 'refs/heads/-x' },
    { branch: 'refs/tags/x' },
  ]) {
    const box = await sealState(saved(more), KEY, NONCE)
    await expect(openState('s1', KEY, box), JSON.stringify(more)).rejects.toMatchObject({ code: 'save-damaged' })
  }
})

test('notes that would start something else are refused before anything is written; what was spent stays spent', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'nimbus-unpack-'))
  try {
    const ran: string[][] = []
    const parts = {
      clock: { wallMs: () => 1 },
      lay: () => Promise.resolve(),
      enclosure: () => ({
        script(_text: string, args: readonly string[]) {
          ran.push([...args])
          return Promise.resolve({ exitCode: 0, timedOut: false, output: '' })
        },
      }),
    }
    for (const wrong of [{ agentSession: '--dangerously-skip-permissions' }, { queue: 'x' }, { costUsd: -1 }]) {
      const state = some(JSON.stringify({ ...notes, ...wrong }))
      const refused = unpackFolder(parts, join(dir, 's1'), saved({ state }), { spentUsd: 0, ground: {} })
      await expect(refused, JSON.stringify(wrong)).rejects.toMatchObject({ code: 'save-damaged' })
    }
    expect(ran).toEqual([])
    const { state } = await unpackFolder(parts, join(dir, 's1'), saved(), { spentUsd: 2, ground: {} })
    expect([state.costUsd, state.taken]).toEqual([2, ['o1']])
    expect(ran[0]?.slice(-2)).toEqual(['-data-sessions-s1-tree', join(dir, 's1', 'tree').replaceAll(/[^A-Za-z0-9]/g, '-')])
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})
