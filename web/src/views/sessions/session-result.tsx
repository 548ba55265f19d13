// What a session made, to be taken over: would it merge, merge it, open a pull request; its changes as files and hunks, with comments that go
// back to the session.
import { useState } from 'preact/hooks'
import type { MergeView, SessionView } from '../../../../protocols/http/sessions.ts'
import { type Patch, readPatch } from '../../models/agents/patch.ts'
import { inertText } from '../../models/text/inert-text.ts'
import { Confirm, type Question } from '../../parts/modal.tsx'
import { Callout, ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { type ApiError, asApiError } from '../../transport/api-error.ts'
import { PatchView } from './patch-view.tsx'

export function SessionResult(props: { session: SessionView }) {
  const { session } = props
  const { agents } = usePage().dashboard.transport
  const [patch, setPatch] = useState<Patch>()
  const [error, setError] = useState<ApiError>()
  const [busy, setBusy] = useState(false)
  async function show() {
    setBusy(true)
    setError(undefined)
    try {
      const { text, cut } = await agents.diff(session.id)
      const read = readPatch(text)
      setPatch({ ...read, cut: read.cut || cut })
    } catch (thrown) {
      setError(asApiError(thrown))
    }
    setBusy(false)
  }
  if (session.repo === undefined) return null
  return (
    <section class="result" aria-labelledby="result">
      <h2 id="result">Changes</h2>
      <div class="inline">
        <button type="button" disabled={busy} onClick={() => void show()}>
          {patch === undefined ? 'Show changes' : 'Load changes again'}
        </button>
        {session.commit !== undefined && session.commit !== session.base && <TakeOver session={session} />}
      </div>
      {error && <ProblemNote error={error} what="The changes could not be loaded." />}
      {patch && <PatchView session={session} patch={patch} />}
    </section>
  )
}

function TakeOver(props: { session: SessionView }) {
  const { session } = props
  const { agents } = usePage().dashboard.transport
  const [said, setSaid] = useState<{ merge: MergeView; checked: boolean } | { address: string; number: number }>()
  const [error, setError] = useState<ApiError>()
  const [busy, setBusy] = useState(false)
  const [question, setQuestion] = useState<Question>()
  async function act(work: () => Promise<void>) {
    setBusy(true)
    setError(undefined)
    setSaid(undefined)
    try {
      await work()
    } catch (thrown) {
      setError(asApiError(thrown))
    }
    setBusy(false)
  }
  const merge = (check: boolean) => act(async () => setSaid({ merge: await agents.merge(session.id, { check }), checked: check }))
  function askToMerge() {
    setQuestion({
      title: 'Merge this session?',
      text: (
        <p>
          Its commits are merged into {session.ref === undefined ? 'the default branch' : inertText(session.ref)} of{' '}
          {inertText(session.repo ?? '')} and pushed there. Where they conflict, nothing is.
        </p>
      ),
      verb: 'Merge and push',
      act: () => merge(false),
    })
  }
  return (
    <>
      <button type="button" disabled={busy} onClick={() => void merge(true)}>
        Would it merge?
      </button>
      <button type="button" class="primary" disabled={busy} onClick={askToMerge}>
        Merge
      </button>
      <button
        type="button"
        disabled={busy}
        onClick={() =>
          void act(async () => {
            const { address, number } = await agents.offer(session.id)
            setSaid({ address, number })
          })
        }
      >
        Open pull request
      </button>
      {busy && <span role="status">Working on it…</span>}
      {error && <ProblemNote error={error} what="It was not taken over." />}
      {said !== undefined && 'address' in said && (
        <p role="status">
          <a href={said.address} target="_blank" rel="noopener noreferrer">
            Pull request {said.number}
          </a>{' '}
          is open.
        </p>
      )}
      {said !== undefined && 'merge' in said && <MergeSaid {...said} />}
      {question && <Confirm question={question} onClose={() => setQuestion(undefined)} />}
    </>
  )
}

function MergeSaid(props: { merge: MergeView; checked: boolean }) {
  const { merged, into, commit, conflicts = [], touchedBy } = props.merge
  const clean = merged || conflicts.length === 0
  const title = merged
    ? `Merged into ${inertText(into)} as ${(commit ?? '').slice(0, 12)}.`
    : clean
      ? `It would merge into ${inertText(into)} without a conflict.`
      : `${props.checked ? 'It would not merge' : 'Not merged'} into ${inertText(into)}: nothing was pushed, nothing is lost.`
  return (
    <div class="wide" role="status">
      <Callout tone={clean ? 'info' : 'warn'} title={title}>
        {conflicts.length > 0 && <p>Conflicts in {conflicts.map(inertText).join(', ')}.</p>}
        {touchedBy.map(({ session, files }) => (
          <p key={session}>
            <a href={`/sessions/${session}`}>Another session</a> changes {files.map(inertText).join(', ')} too.
          </p>
        ))}
      </Callout>
    </div>
  )
}
