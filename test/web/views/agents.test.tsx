import { afterEach, describe, expect, test, vi } from 'vitest'
import { ApiError } from '../../../web/src/transport/api-error.ts'
import { TRANSCRIPT_MAX, createTranscript } from '../../../web/src/models/agents/transcript.ts'
import { aQuestion, aSession, anAsk, someMessages } from '../agent-fixtures.ts'
import { type RenderedPage, renderPage } from '../render-page.tsx'

/** The page paints once a frame; the clock of ages ticks once a second. */
const SOON = { timeout: 4_000 }
const EVIL = 'I am \u001b[31mred\u001b[0m <img src=x onerror=alert(1)> \u202e'
let page: RenderedPage | undefined
afterEach(() => page?.close())

describe('sessions', () => {
  test('a mesh without one teaches the command', async () => {
    page = await renderPage('/sessions')
    await expect.poll(page.text, SOON).toContain('nimbus session start --repo')
  })

  test('the list says where each works, what it used, and which one waits; a change comes by itself', async () => {
    page = await renderPage('/sessions', ({ state }) =>
      state.sessions.push(aSession(1, 'working'), aSession(2, 'waiting', { name: 'tidy', asks: [anAsk('Bash', 'rm -r build')] })),
    )
    await expect.poll(page.text, SOON).toContain('2 of 2 open, 1 request waits for you')
    expect(page.text()).toContain('asks to use Bash')
    expect(page.text()).toContain('50K')
    expect(page.text()).toContain('$0.42')
    expect([...page.root.querySelectorAll('tbody a[href^="/sessions/"]')]).toHaveLength(2)
    page.transport.state.sessions = [aSession(1, 'done')]
    page.transport.emit('session.updated', aSession(1, 'done'))
    await expect.poll(page.text, SOON).toContain('0 of 1 open')
  })

  test('one session shows its messages as inert text, its files and what it is', async () => {
    const session = aSession(1, 'working')
    page = await renderPage(`/sessions/${session.id}`, ({ state }) => {
      state.sessions.push(session)
      state.said = someMessages([EVIL])
    })
    await expect.poll(page.text, SOON).toContain('<img src=x onerror=alert(1)> ·')
    expect(page.root.querySelector('img')).toBeNull()
    expect(page.text()).not.toContain('\u001b')
    expect(page.text()).toContain('Uses Bash')
    expect(page.text()).toContain('1 of 40 failed')
    expect(page.text()).toContain('ledger/replay.ts')
    expect(page.root.querySelector('h1')?.textContent).toBe('Make the tests of the ledger pass.')
  })

  test('a request is shown word for word; approve names the request, and it is gone', async () => {
    const session = aSession(1, 'waiting', { asks: [anAsk('Bash', 'git push <b>--force</b>')] })
    page = await renderPage(`/sessions/${session.id}`, ({ state }) => state.sessions.push(session))
    await expect.poll(page.text, SOON).toContain('git push <b>--force</b>')
    page.type('Note to the agent about Bash', 'only this once')
    await vi.waitFor(() => expect(page?.field('Note to the agent about Bash').value).toBe('only this once'))
    page.button('Approve Bash').click()
    await expect.poll(page.text, SOON).not.toContain('git push')
    expect(page.transport.calls).toContain(`decide ${session.id} {"request":"r-Bash","allow":true,"note":"only this once"}`)
  })

  test('deny refuses; a prompt, an interrupt and a stop go to the session, and stop asks first', async () => {
    const session = aSession(1, 'waiting', { asks: [anAsk('Write', 'a.ts')] })
    page = await renderPage(`/sessions/${session.id}`, ({ state }) => state.sessions.push(session))
    await expect.poll(page.text, SOON).toContain('asks to use Write')
    page.button('Deny Write').click()
    await vi.waitFor(() => expect(page?.transport.calls).toContain(`decide ${session.id} {"request":"r-Write","allow":false}`))
    const input = page.root.querySelector<HTMLInputElement>('form[aria-label="Send a prompt"] input')
    if (input === null) throw new Error('there is no field for a prompt')
    input.value = 'also the docs'
    input.dispatchEvent(new Event('input', { bubbles: true }))
    await vi.waitFor(() => {
      page?.button('Send').click()
      expect(page?.transport.calls).toContain(`prompt ${session.id} also the docs`)
    })
    page.button('Interrupt').click()
    await vi.waitFor(() => expect(page?.transport.calls).toContain(`interrupt session ${session.id}`))
    page.button('Stop').click()
    await expect.poll(page.text, SOON).toContain('Stop this session?')
    expect(page.transport.calls).not.toContain(`stop session ${session.id}`)
    page.button('Stop session').click()
    await vi.waitFor(() => expect(page?.transport.calls).toContain(`stop session ${session.id}`))
  })

  test('is moved to another worker that is here', async () => {
    const session = aSession(1, 'working', { saved: { at: Date.now() - 60_000, bytes: 9_000, on: ['cedar'] } })
    page = await renderPage(`/sessions/${session.id}`, ({ state }) => state.sessions.push(session))
    await expect.poll(page.text, SOON).toContain('on cedar')
    page.button('Move').click()
    await expect.poll(page.text, SOON).toContain('Move this session')
    const names = [...page.root.querySelectorAll('dialog option')].map(({ textContent }) => textContent)
    expect(names.length).toBeGreaterThan(0)
    expect(names).not.toContain(session.workerName)
    page.button('Move session').click()
    await vi.waitFor(() => expect(page?.transport.calls.some((call) => call.startsWith(`move ${session.id} {"worker":`))).toBe(true))
  })

  test('its changes take comments that go back to it; it is checked, merged after a question, and offered; conflicts are said', async () => {
    const session = aSession(1, 'done', { repo: 'https://example.org/app.git', base: 'b', commit: 'c' })
    page = await renderPage(`/sessions/${session.id}`, ({ state }) => {
      state.sessions.push(session)
      state.patch = 'diff --git a/a.ts b/a.ts\n--- a/a.ts\n+++ b/a.ts\n@@ -1 +1,2 @@\n one\n+<img src=x onerror=alert(1)>\n'
    })
    await vi.waitFor(() => expect(page?.button('Show changes')).toBeDefined(), SOON)
    page.button('Show changes').click()
    await expect.poll(page.text, SOON).toContain('+ <img src=x onerror=alert(1)>')
    expect(page.root.querySelector('img')).toBeNull()
    page.button('Comment on line 2 of a.ts').click()
    const field = await vi.waitFor(() => {
      const found = page?.root.querySelector<HTMLInputElement>('[aria-label="Comment on this line"]')
      if (found === null || found === undefined) throw new Error('no field for a comment')
      return found
    })
    field.value = 'no pictures'
    field.dispatchEvent(new Event('input', { bubbles: true }))
    await vi.waitFor(() => {
      page?.root.querySelector<HTMLFormElement>('form[aria-label="Comment"]')?.requestSubmit()
      expect(page?.text()).toContain('Send 1 comment to the session')
    })
    page.button('Send 1 comment to the session').click()
    await vi.waitFor(() =>
      expect(page?.transport.calls.join('\n')).toMatch(/prompt \S+ Comments on your changes[^]*a\.ts, line 2:[^]*no pictures/),
    )

    page.button('Would it merge?').click()
    await expect.poll(page.text, SOON).toContain('It would merge into main without a conflict.')
    expect(page.transport.calls).not.toContain(`merge ${session.id} {"check":false}`)
    page.transport.state.conflicts = ['a.ts']
    page.button('Merge').click()
    await vi.waitFor(() => page?.button('Merge and push').click())
    await expect.poll(page.text, SOON).toContain('Not merged into main: nothing was pushed, nothing is lost.Conflicts in a.ts.')
    page.button('Open pull request').click()
    await expect.poll(page.text, SOON).toContain('Pull request 7 is open.')
    page.button('Resume').click()
    await vi.waitFor(() => expect(page?.transport.calls).toContain(`resume session ${session.id}`))
  })

  test('an unknown session is said plainly', async () => {
    page = await renderPage('/sessions/nothing')
    await expect.poll(page.text, SOON).toContain('No session has the ID nothing.')
  })
})

describe('what a session said', () => {
  test('is bounded, and says how much is not held', async () => {
    const texts = Array.from({ length: TRANSCRIPT_MAX + 20 }, (_, at) => `message ${at}`)
    const transcript = createTranscript(async function* () {
      yield* someMessages(texts)
    })
    await expect.poll(() => transcript.state.value, SOON).toBe('ended')
    expect(transcript.entries.value).toHaveLength(TRANSCRIPT_MAX)
    // Two come before them and two after; what only programs read does not count.
    expect(transcript.dropped.value).toBe(24)
    transcript.stop()
  })

  test('is read anew after a loss, with nothing twice; a refusal is final', async () => {
    let times = 0
    const transcript = createTranscript(async function* () {
      times += 1
      yield* someMessages(['hello'])
      if (times === 1) throw new ApiError({ code: 'unreachable', detail: 'gone', status: 0 })
    })
    await expect.poll(() => transcript.state.value, SOON).toBe('ended')
    expect(times).toBe(2)
    expect(transcript.entries.value.filter(({ text }) => text === 'hello')).toHaveLength(1)
    const refused = createTranscript(async function* () {
      yield* someMessages([]).slice(0, 1)
      throw new ApiError({ code: 'forbidden', detail: 'Not yours.', status: 403 })
    })
    await expect.poll(() => refused.error.value?.code, SOON).toBe('forbidden')
    expect(refused.state.value).toBe('ended')
  })
})

describe('questions', () => {
  test('the overview leads to what waits, and the rail counts it', async () => {
    const question = aQuestion(1, 'Which database?\nThe old one is full.')
    const session = aSession(1, 'waiting', { asks: [anAsk('Bash', 'rm -r build')] })
    page = await renderPage('/', ({ state }) => {
      state.questions.push(question)
      state.sessions.push(session)
    })
    await expect.poll(page.text, SOON).toContain('6 things need you.')
    expect(page.text()).toContain('Which database? The old one is full.')
    expect(page.root.querySelector('.needs a[href^="/questions/"]')?.getAttribute('href')).toBe(`/questions/${question.id}`)
    expect(page.root.querySelector('.needs a[href^="/sessions/"]')?.getAttribute('href')).toBe(`/sessions/${session.id}`)
    expect(page.root.querySelector('nav a[href="/questions"] .amount')?.textContent).toBe('2')
  })

  test('nothing open teaches how something asks', async () => {
    page = await renderPage('/questions')
    await expect.poll(page.text, SOON).toContain('Nothing waits for you.')
    expect(page.text()).toContain('--permission ask')
  })

  test('a choice is a button and text stays text; the answer is shown with who gave it', async () => {
    const question = aQuestion(1, EVIL, { choices: ['yes', '<i>no</i>'], detail: '{"rows": 3}' })
    page = await renderPage('/questions', ({ state }) => state.questions.push(question))
    await expect.poll(page.text, SOON).toContain('<img src=x onerror=alert(1)> ·')
    expect(page.root.querySelector('img, i:not([class]) b')).toBeNull()
    page.button('<i>no</i>').click()
    await expect.poll(page.text, SOON).toContain('said operator at alder')
    expect(page.transport.calls).toContain(`answer ${question.id} {"choice":"<i>no</i>"}`)
    expect(page.text()).toContain('Nothing waits for you.')
  })

  test('a question asked while one looks appears by itself, is answered in words, and has an address of its own', async () => {
    page = await renderPage('/questions')
    await expect.poll(page.text, SOON).toContain('Nothing waits for you.')
    const question = aQuestion(2, 'What is the port?')
    page.transport.state.questions.push(question)
    page.transport.emit('question.asked', question)
    await expect.poll(page.text, SOON).toContain('What is the port?')
    page.models.router.go(`/questions/${question.id}`)
    await expect.poll(() => page?.root.querySelector('h1')?.textContent, SOON).toBe('Question')
    await vi.waitFor(() => expect(page?.field('Answer')).toBeDefined())
    page.type('Answer', '5432')
    await vi.waitFor(() => expect(page?.field('Answer').value).toBe('5432'))
    page.button('Answer').click()
    await expect.poll(page.text, SOON).toContain('said operator at alder')
    expect(page.transport.calls).toContain(`answer ${question.id} {"text":"5432"}`)
  })

  test('an answer that comes too late is said', async () => {
    const question = aQuestion(1, 'Deploy?', { choices: ['yes', 'no'] })
    page = await renderPage('/questions', ({ state }) => state.questions.push(question))
    await expect.poll(page.text, SOON).toContain('Deploy?')
    page.transport.state.refuse = new ApiError({ code: 'question-answered', detail: 'It was answered with no.', status: 409 })
    page.button('yes').click()
    await expect.poll(page.text, SOON).toContain('It was answered with no.')
  })
})
