// What a push asks for, as its client says it, and what it is told in the end. Only words are read and made here.
import { commitId, hostedRef } from '../../../protocols/githost/hosted-names.ts'
import { HOSTED_REFS_MAX } from '../../../protocols/limits.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { safe } from '../../kernel/safe-text.ts'
import type { RefMove } from '../refs/heads.ts'
import { FLUSH, pktLine, type PktReader, sideBand } from './pkt-line.ts'

export type Push = {
  moves: readonly RefMove[]
  /** Refs that were asked for and cannot be, with the reason. */
  refused: ReadonlyMap<string, string>
  isAtomic: boolean
  hasSideBand: boolean
  isQuiet: boolean
}

const ZERO = '0'.repeat(40)
const CAPABILITIES = 'report-status delete-refs ofs-delta atomic quiet side-band-64k object-format=sha1 agent=nimbus'

/** The refs that stand here, as a client of a push is greeted. */
export function greeting(refs: ReadonlyMap<string, string>): Buffer {
  const lines = [...refs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([ref, commit]) => `${commit} ${ref}`)
  if (lines.length === 0) lines.push(`${ZERO} capabilities^{}`)
  return Buffer.concat([...lines.map((line, at) => pktLine(at === 0 ? `${line}\0${CAPABILITIES}\n` : `${line}\n`)), FLUSH])
}

/** Undefined where there is nothing to push. */
export async function readPush(reader: PktReader): Promise<Push | undefined> {
  const moves: RefMove[] = []
  const refused = new Map<string, string>()
  let words: ReadonlySet<string> | undefined
  for (let line = await reader.line(); line !== 'flush'; line = await reader.line()) {
    if (line === undefined) return undefined
    const [command = '', capabilities] = line.toString('utf8').replace(/\n$/, '').split('\0')
    words ??= new Set((capabilities ?? '').split(' '))
    if (command.startsWith('shallow '))
      throw new NimbusError(
        'push-shallow',
        'A push from a shallow clone is not taken, because the mesh could not give out what it does not have.',
        {
          kind: 'refused',
          cure: 'Fetch the rest first: git fetch --unshallow.',
        },
      )
    const [, from, to, ref] = /^([0-9a-f]{40}) ([0-9a-f]{40}) (.+)$/s.exec(command) ?? []
    if (from === undefined || to === undefined || ref === undefined || !commitId.safeParse(to).success)
      throw new NimbusError('git-protocol', 'The push says something that this side does not know.', {
        kind: 'usage',
        cure: 'Use git itself.',
      })
    if (moves.length + refused.size >= HOSTED_REFS_MAX)
      throw new NimbusError('push-too-many-refs', `A push may change ${HOSTED_REFS_MAX} branches and tags at most.`, {
        kind: 'refused',
        cure: 'Push fewer at a time.',
      })
    if (hostedRef.safeParse(ref).success) moves.push({ ref, from: from === ZERO ? undefined : from, to: to === ZERO ? undefined : to })
    else refused.set(ref, 'only branches and tags are kept here (refs/heads/… and refs/tags/…)')
  }
  if (moves.length + refused.size === 0) return undefined
  const has = (word: string): boolean => words?.has(word) === true
  return { moves, refused, isAtomic: has('atomic'), hasSideBand: has('side-band-64k'), isQuiet: has('quiet') }
}

/** @param outcomes by ref: undefined where it moved, else why not */
export function reportOf(push: Push, unpacked: string, outcomes: ReadonlyMap<string, string | undefined>): Buffer {
  const lines = [pktLine(`unpack ${unpacked}\n`)]
  for (const [ref, reason] of outcomes) lines.push(pktLine(reason === undefined ? `ok ${ref}\n` : `ng ${ref} ${oneLine(reason)}\n`))
  const report = Buffer.concat([...lines, FLUSH])
  return push.hasSideBand ? Buffer.concat([sideBand('data', report), FLUSH]) : report
}

/** Words for the person who pushes; git shows them after `remote: `. */
export function remark(push: Push, text: string, isWarning: boolean): Buffer {
  return push.hasSideBand && (isWarning || !push.isQuiet) ? sideBand('progress', Buffer.from(`${oneLine(text)}\n`)) : Buffer.alloc(0)
}

function oneLine(text: string): string {
  return safe(text.replaceAll(/\s+/g, ' ')).slice(0, 900)
}
