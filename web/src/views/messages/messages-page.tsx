// Messages that wait at this node, or on one topic: read them, mark them, send one.
import { useEffect, useState } from 'preact/hooks'
import type { MessageView } from '../../../../protocols/http/messages.ts'
import { inertText } from '../../models/text/inert-text.ts'
import { PageHead } from '../../parts/facts.tsx'
import { EmptyState, ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { Age } from '../../parts/times.tsx'

export function MessagesPage() {
  const { dashboard, router } = usePage()
  const topic = router.place.value.query.get('topic') ?? ''
  const { messages } = dashboard
  useEffect(() => {
    dashboard.messageTopic.value = topic
    void messages.load()
  }, [topic])
  const items = messages.items.value
  const error = messages.error.value
  const self = dashboard.fleet.workers.value.find((worker) => worker.self)
  return (
    <>
      <PageHead title="Messages" lead={topic === '' ? `unread, to ${self?.name ?? 'this node'}` : `on the topic ${topic}`}>
        <TopicChoice topic={topic} />
      </PageHead>
      <SendForm topic={topic} />
      {error !== undefined && <ProblemNote error={error} what="The messages could not be loaded." />}
      {items?.length === 0 && (
        <EmptyState
          title={
            topic === '' ? 'Nothing unread. Workers and tasks write to each other with' : `Nothing on ${topic} yet. Send something with`
          }
          command={topic === '' ? `nimbus msg send --to ${self?.name ?? 'WORKER'} 'hello'` : `nimbus msg send --topic ${topic} 'hello'`}
        />
      )}
      <ul class="plain messages">
        {items?.map((message) => (
          <Item key={message.id} message={message} />
        ))}
      </ul>
    </>
  )
}

function TopicChoice(props: { topic: string }) {
  const { router } = usePage()
  return (
    <form
      class="inline"
      onSubmit={(event) => {
        event.preventDefault()
        const topic = textOf(new FormData(event.currentTarget), 'topic').trim()
        router.go(topic === '' ? '/messages' : `/messages?topic=${encodeURIComponent(topic)}`)
      }}
    >
      <label>
        <span class="off-screen">Topic</span>
        <input type="text" name="topic" placeholder="topic, or empty for the inbox" defaultValue={props.topic} />
      </label>
      <button type="submit">Show</button>
    </form>
  )
}

function SendForm(props: { topic: string }) {
  const { dashboard, notices } = usePage()
  const [sending, setSending] = useState(false)
  const workers = dashboard.fleet.workers.value
  async function send(form: HTMLFormElement) {
    const given = new FormData(form)
    const body = textOf(given, 'body')
    if (body.trim() === '') return
    setSending(true)
    try {
      await dashboard.transport.sendMessage(props.topic === '' ? { worker: textOf(given, 'to') } : { topic: props.topic }, body)
      form.reset()
      notices.done('Sent')
      await dashboard.messages.load()
    } catch (thrown) {
      notices.failed('The message was not sent', thrown)
    } finally {
      setSending(false)
    }
  }
  return (
    <form
      class="card inline"
      aria-label="Send a message"
      onSubmit={(event) => {
        event.preventDefault()
        void send(event.currentTarget)
      }}
    >
      {props.topic === '' && (
        <label>
          <span class="off-screen">To</span>
          <select name="to">
            {workers.map((worker) => (
              <option key={worker.peerId} value={worker.peerId}>
                to {worker.name}
              </option>
            ))}
          </select>
        </label>
      )}
      <label class="grow">
        <span class="off-screen">Message</span>
        <input
          type="text"
          name="body"
          placeholder={props.topic === '' ? 'a message' : `a message to all on ${props.topic}`}
          maxLength={4_000}
        />
      </label>
      <button type="submit" class="primary" disabled={sending}>
        Send
      </button>
    </form>
  )
}

function Item(props: { message: MessageView }) {
  const { dashboard, notices } = usePage()
  const { message } = props
  async function markRead() {
    try {
      await dashboard.transport.readMessages([message.id])
      await dashboard.messages.load()
    } catch (thrown) {
      notices.failed('The message was not marked', thrown)
    }
  }
  return (
    <li class="card">
      <p class="muted">
        <strong>{message.from.workerName}</strong>
        {message.from.task !== undefined && (
          <>
            , task <a href={`/tasks/${message.from.task}`}>{message.from.task.slice(0, 10)}…</a>
          </>
        )}{' '}
        · <Age time={message.createdAt} suffix />
        {!message.read && (
          <button type="button" class="quiet" onClick={() => void markRead()}>
            Mark as read
          </button>
        )}
      </p>
      <pre class="body">{bodyText(message.body)}</pre>
    </li>
  )
}

/** Each line made inert by itself. */
function bodyText(body: unknown): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body, undefined, 2)
  return text.split('\n').map(inertText).join('\n')
}

function textOf(form: FormData, name: string): string {
  const value = form.get(name)
  return typeof value === 'string' ? value : ''
}
