// Changed files with their lines; a line takes a comment, and all comments go to the session as one prompt. Text nodes only.
import { useState } from 'preact/hooks'
import type { SessionView } from '../../../../protocols/http/sessions.ts'
import { type Comment, type Patch, type PatchFile, type PatchLine, reviewText } from '../../models/agents/patch.ts'
import { usePage } from '../../parts/page-context.ts'

/** Files of more lines are shown when they are opened. */
const OPEN_LINES_MAX = 200
const COMMENT_CHARS_MAX = 2_000
const COMMENTS_MAX = 100
const SIGNS = { same: ' ', added: '+', removed: '−' } as const

export function PatchView(props: { session: Pick<SessionView, 'id'>; patch: Patch }) {
  const { dashboard, notices } = usePage()
  const { patch, session } = props
  const [comments, setComments] = useState<readonly Comment[]>([])
  const [busy, setBusy] = useState(false)
  async function send() {
    setBusy(true)
    try {
      const { taken } = await dashboard.transport.agents.prompt(session.id, reviewText(comments))
      setComments([])
      notices.done(taken ? 'The session has your comments' : 'Recorded; the session gets your comments when it goes on')
      await dashboard.sessions.load()
    } catch (thrown) {
      notices.failed('The comments were not sent', thrown)
    }
    setBusy(false)
  }
  if (patch.files.length === 0) return <p class="muted">It changed nothing.</p>
  return (
    <div class="patch">
      {patch.files.map((file) => (
        <File
          key={file.path}
          file={file}
          comments={comments.filter(({ path }) => path === file.path)}
          onComment={(line, text) => setComments((all) => [...all, { path: file.path, line, text }].slice(0, COMMENTS_MAX))}
          onRemove={(comment) => setComments((all) => all.filter((one) => one !== comment))}
        />
      ))}
      {patch.cut && <p class="muted">There is more than is shown here: nimbus session diff {session.id}</p>}
      {comments.length > 0 && (
        <div class="inline patch-send">
          <button type="button" class="primary" disabled={busy} onClick={() => void send()}>
            Send {comments.length} {comments.length === 1 ? 'comment' : 'comments'} to the session
          </button>
        </div>
      )}
    </div>
  )
}

type FileProps = {
  file: PatchFile
  comments: readonly Comment[]
  onComment: (line: PatchLine, text: string) => void
  onRemove: (comment: Comment) => void
}

function File(props: FileProps) {
  const { file } = props
  const [open, setOpen] = useState(file.added + file.removed <= OPEN_LINES_MAX)
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <span class="mono break">{file.from === undefined ? file.path : `${file.from} → ${file.path}`}</span>{' '}
        {file.what !== 'changed' && <span class="muted">{file.what}</span>}{' '}
        <span class="number">
          +{file.added} −{file.removed}
        </span>
      </summary>
      {file.binary && <p class="muted">Not text.</p>}
      {open && file.hunks.map((hunk, at) => <Hunk key={at} {...props} head={hunk.head} lines={hunk.lines} />)}
    </details>
  )
}

function Hunk(props: FileProps & { head: string; lines: readonly PatchLine[] }) {
  const [commented, setCommented] = useState<PatchLine>()
  return (
    <div class="hunk">
      <p class="muted mono">{props.head}</p>
      {props.lines.map((line, at) => (
        <div key={at}>
          <div class={`patch-line line-${line.kind}`}>
            <button
              type="button"
              class="quiet"
              aria-label={`Comment on ${line.after === undefined ? `removed line ${line.before}` : `line ${line.after}`} of ${props.file.path}`}
              onClick={() => setCommented(line)}
            >
              {line.after ?? line.before}
            </button>
            <code>
              {SIGNS[line.kind]} {line.text}
            </code>
          </div>
          {props.comments
            .filter((comment) => comment.line === line)
            .map((comment) => (
              <p key={comment.text} class="patch-comment">
                {comment.text}{' '}
                <button type="button" class="quiet" onClick={() => props.onRemove(comment)}>
                  Remove
                </button>
              </p>
            ))}
          {commented === line && (
            <CommentForm
              onDone={(text) => {
                setCommented(undefined)
                if (text !== '') props.onComment(line, text)
              }}
            />
          )}
        </div>
      ))}
    </div>
  )
}

function CommentForm(props: { onDone: (text: string) => void }) {
  const [text, setText] = useState('')
  return (
    <form
      class="inline patch-comment"
      aria-label="Comment"
      onSubmit={(event) => {
        event.preventDefault()
        if (text.trim() !== '') props.onDone(text.trim())
      }}
    >
      <span class="grow">
        <input
          type="text"
          aria-label="Comment on this line"
          maxLength={COMMENT_CHARS_MAX}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </span>
      <button type="submit">Add comment</button>
      <button type="button" class="quiet" onClick={() => props.onDone('')}>
        Cancel
      </button>
    </form>
  )
}
