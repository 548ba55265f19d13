// One terminal: its screen as it stands, who writes in it, a bar of keys for phones. It goes on when this page is left.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { TerminalView } from '../../../../protocols/terminals/views.ts'
import { type AttachedTerminal, type TerminalStanding, attachTerminal } from '../../models/terminals/attached-terminal.ts'
import { withModifiers } from '../../models/terminals/keys.ts'
import { joinCommand } from '../../models/text/command-words.ts'
import { inertText } from '../../models/text/inert-text.ts'
import { sentence } from '../../models/text/sentences.ts'
import { CopyButton } from '../../parts/copy.tsx'
import { PageHead } from '../../parts/facts.tsx'
import { Confirm, type Question } from '../../parts/modal.tsx'
import { EmptyState, ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { StateMark } from '../../parts/state-mark.tsx'
import { Age } from '../../parts/times.tsx'
import { type ApiError, asApiError } from '../../transport/api-error.ts'
import { KeyBar, type Modifiers, NO_MODIFIERS } from './key-bar.tsx'
import { type XtermScreen, createXtermScreen } from './xterm-screen.ts'

const TITLE_CHARS_MAX = 120

export function TerminalPage(props: { id: string }) {
  const { dashboard } = usePage()
  const [view, setView] = useState<TerminalView>()
  const [error, setError] = useState<ApiError>()
  const task = dashboard.tasks.all.value.find(({ id }) => id === props.id)
  useEffect(() => {
    dashboard.transport.terminals.terminal(props.id).then(setView, (thrown: unknown) => setError(asApiError(thrown)))
  }, [props.id, task?.state])
  if (view !== undefined) return <TerminalDetail view={view} />
  if (error === undefined) return <div class="loading" role="status" aria-label="Loading" />
  return error.status === 404 ? (
    <EmptyState title={`No terminal has the ID ${props.id}.`} command="nimbus terminal ls" />
  ) : (
    <ProblemNote error={error} what="The terminal could not be loaded." />
  )
}

function TerminalDetail(props: { view: TerminalView }) {
  const { view } = props
  const frame = useRef<HTMLDivElement>(null)
  const { attached, screen, title, modifiers, setModifiers, send } = useTerminal(view.id, frame)
  const standing = attached?.standing.value ?? { kind: 'connecting' }
  return (
    <>
      <PageHead
        crumb={{ href: '/terminals', text: 'Terminals' }}
        title={inertText(view.name ?? '') || title || inertText(joinCommand(view.argv))}
        lead={
          <>
            <StateMark state={view.state} />
            <span>
              on <a href={`/workers/${view.worker}`}>{view.workerName}</a>
            </span>
            <span class="muted">
              opened <Age time={view.createdAt} suffix />
            </span>
          </>
        }
      >
        <TerminalActions view={view} over={standing.kind === 'ended'} />
      </PageHead>
      <section class="term" aria-label="Screen">
        <Standing attached={attached} standing={standing} />
        <div ref={frame} class="term-frame mono" />
        <KeyBar
          enabled={attached?.writes.value === true}
          modifiers={modifiers}
          onModifiers={setModifiers}
          onKey={(text) => send(text)}
          hasApplicationCursor={() => screen?.hasApplicationCursor() ?? false}
          onDone={() => screen?.focus()}
        />
      </section>
    </>
  )
}

function useTerminal(id: string, frame: { current: HTMLDivElement | null }) {
  const { notices } = usePage()
  const [parts, setParts] = useState<{ attached: AttachedTerminal; screen: XtermScreen }>()
  const [title, setTitle] = useState('')
  const [modifiers, setModifiers] = useState<Modifiers>(NO_MODIFIERS)
  const held = useRef(modifiers)
  held.current = modifiers
  const { transport } = usePage().dashboard
  useEffect(() => {
    if (frame.current === null) return
    const screen = createXtermScreen(frame.current, {
      typed(text) {
        attached.type(withModifiers(text, held.current))
        setModifiers(NO_MODIFIERS)
      },
      titled: (text) => setTitle(inertText(text).slice(0, TITLE_CHARS_MAX)),
      left: () => document.querySelector<HTMLElement>('.page-head .actions button')?.focus(),
    })
    const attached = attachTerminal(transport.terminals, id, { client: newClient(), screen })
    const fit = () => {
      const size = screen.fitting()
      if (size !== undefined) attached.resize(size)
    }
    screen.onFit(fit)
    fit()
    screen.focus()
    const look = () => attached.look(!document.hidden)
    document.addEventListener('visibilitychange', look)
    setParts({ attached, screen })
    return () => {
      document.removeEventListener('visibilitychange', look)
      attached.stop()
      screen.dispose()
    }
  }, [id])
  const send = (text: string) => {
    if (parts?.attached.type(withModifiers(text, { ...held.current, ctrl: false })) === false)
      notices.failed('Nothing was typed', new Error('Another client writes in this terminal. Take over to write.'))
    setModifiers(NO_MODIFIERS)
  }
  return { attached: parts?.attached, screen: parts?.screen, title, modifiers, setModifiers, send }
}

/** New for each visit: a tab that is duplicated must not take the first one's place. */
function newClient(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

function Standing(props: { attached: AttachedTerminal | undefined; standing: TerminalStanding }) {
  const { attached, standing } = props
  const writer = attached?.writer.value
  const note = attached?.note.value
  const writes = attached?.writes.value === true
  return (
    <div class={`term-bar standing-${standing.kind}`}>
      <p role="status">{standingText(standing, writes, writer)}</p>
      {note !== undefined && standing.kind === 'attached' && <p class="muted">{note}</p>}
      {standing.kind === 'attached' && !writes && (
        <button type="button" onClick={() => attached?.takeOver()}>
          Take over
        </button>
      )}
    </div>
  )
}

function standingText(standing: TerminalStanding, writes: boolean, writer: string | undefined): string {
  if (standing.kind === 'connecting') return 'Attaching…'
  if (standing.kind === 'away') return `Its worker is away: ${sentence(standing.reason)} It is asked again; what you type arrives then.`
  if (standing.kind === 'lost') return `Not attached: ${sentence(standing.reason)} It is tried again.`
  if (standing.kind === 'ended') return `It ended: ${standing.how}.`
  if (standing.kind === 'refused')
    return [sentence(standing.message), standing.cure === undefined ? '' : sentence(standing.cure)].join(' ').trim()
  if (writes) return 'You write here. Ctrl+] leaves the keyboard.'
  return writer === undefined ? 'You read; nobody writes.' : `You read; ${writer} writes.`
}

function TerminalActions(props: { view: TerminalView; over: boolean }) {
  const { dashboard, notices } = usePage()
  const { view } = props
  const [question, setQuestion] = useState<Question>()
  function askToEnd() {
    setQuestion({
      title: 'End this terminal?',
      text: <p>Everything that runs in it is ended: first politely, then by force. Leaving the page ends nothing.</p>,
      verb: 'End terminal',
      harms: true,
      async act() {
        await dashboard.transport.terminals.stop(view.id)
        notices.done('Its end is asked for')
      },
    })
  }
  return (
    <>
      <CopyButton class="labelled" text={`nimbus session attach ${view.id}`} what="as a command">
        Copy as command
      </CopyButton>
      <a class="button" href={`/tasks/${view.id}`}>
        Task
      </a>
      {!props.over && (
        <button type="button" class="harms" onClick={askToEnd}>
          End
        </button>
      )}
      {question && <Confirm question={question} onClose={() => setQuestion(undefined)} />}
    </>
  )
}
