// One session, from its first prompt to its end: prompts in their order, one a turn; permissions; budget; silence. It survives its own
// death: what it has taken, what it has begun and what it has cost is on the disk before it counts.
import { randomUUID } from 'node:crypto'
import type { AgentEvent, AgentEventOf, AgentReason } from '../../../protocols/agents/agent-events.ts'
import type { Cancel, Clock } from '../../kernel/clock.ts'
import { addTokens, type AgentProcess, CONVERSATION_LOST } from '../driver.ts'
import { closeAgent } from './close-agent.ts'
import type { GivenOrder, HostOrder, HostState, InboxOrder } from './notes/host-order.ts'
import { readHostState, writeHostState } from './notes/host-order.ts'
import { followInbox } from './notes/inbox.ts'
import { createLeaving, type Leaving } from './leaving.ts'
import { createPermissions, type Permissions } from './permissions.ts'
import { agentOrder, DIED, type Ending, endOf, goOnWords, hung, MOVING, overBudget } from './session-parts.ts'
import { type SessionParts, startOver, startOverWords, stopped } from './session-parts.ts'
import { createSilence, type Silence } from './silence.ts'
import { countTurn, createTurnLeave, type TurnLeave } from './turn-leave.ts'

export class SessionLoop {
  readonly #parts: SessionParts
  readonly #clock: Clock
  readonly #state: HostState
  readonly #over = Promise.withResolvers<Ending | undefined>()
  readonly #permissions: Permissions
  readonly #silence: Silence
  readonly #leaving: Leaving
  readonly #turnLeave: TurnLeave
  #agent: AgentProcess | undefined
  #busy = false
  #cancelIdle: Cancel = () => {}
  /** Of this process: what the state had when it began. */
  #before: Pick<HostState, 'tokens' | 'costUsd' | 'turns' | 'models'>
  #model: string

  constructor(parts: SessionParts) {
    this.#parts = parts
    this.#clock = parts.components.clock
    this.#state = readHostState(parts.places.state, randomUUID())
    this.#before = { ...this.#state }
    this.#model = parts.order.agent.model ?? parts.order.agent.driver
    this.#turnLeave = createTurnLeave((event) => this.#emit(event))
    this.#permissions = createPermissions(parts.order.agent, {
      emit: (event) => this.#emit(event),
      answer: (request, answer) => this.#agent?.answer(request, answer),
    })
    this.#leaving = createLeaving(this.#clock, () => this.#finish(MOVING))
    this.#silence = createSilence(this.#clock, parts.order.agent.silentMs, {
      isOpen: () => this.#busy && this.#permissions.waiting() === 0,
      onSilent: (silentMs) => this.#emit({ type: 'silent', silentMs }),
      onHung: (silentMs) => this.#finish({ state: 'failed', reason: hung(silentMs) }),
    })
  }

  async run(): Promise<Ending | undefined> {
    const { components, places, order } = this.#parts
    components.signal.addEventListener('abort', () => this.#over.resolve(undefined))
    if (components.signal.aborted) return undefined
    this.#state.task = order.task
    this.#queueFirst(order)
    this.#save()
    const stopInbox = followInbox(
      this.#clock,
      places.inbox,
      (one) => this.#take(one),
      (error) => this.#fail('inbox-unreadable', error),
    )
    this.#next()
    // All that it was started for was done by an earlier process.
    if (!this.#busy && !this.#turnLeave.isAsking()) this.#finish({ state: 'done' })
    const ending = await this.#over.promise
    stopInbox()
    this.#cancelIdle()
    this.#leaving.stop()
    this.#silence.stop()
    if (this.#agent !== undefined)
      await closeAgent(this.#clock, this.#agent, {
        urgent: components.signal.aborted || this.#busy,
        say: (text) => this.#emit({ type: 'note', text }),
      })
    return ending
  }

  /** What a process that died had begun comes first, in other words; then what it had taken, then the prompt of this task. */
  #queueFirst({ task, agent }: HostOrder): void {
    const { open, started, queue } = this.#state
    if (open !== undefined && queue[0]?.order !== open.order)
      queue.unshift({ order: open.order, text: started ? goOnWords(this.#parts) : startOverWords(this.#parts, open.text) })
    // A task without a prompt is there for orders that came when the one before it ended.
    const id = agent.order ?? task
    if (!this.#state.taken.includes(id) && agent.prompt !== '') this.#accept({ order: id, text: agent.prompt })
  }

  #take(order: InboxOrder): void {
    if (order.op === 'go') return this.#turnLeave.granted(order.id)
    if (this.#state.taken.includes(order.id)) return
    const error = this.#carryOut(order)
    this.#emit({ type: 'taken', order: order.id, ...(error === undefined ? {} : { error }) })
  }

  #carryOut(order: GivenOrder): string | undefined {
    if (order.op === 'send') {
      this.#accept({ order: order.id, text: order.text ?? '' })
      this.#next()
      return undefined
    }
    this.#state.taken.push(order.id)
    this.#save()
    switch (order.op) {
      case 'interrupt':
        if (!this.#busy) return 'no turn is open'
        this.#agent?.interrupt()
        return undefined
      case 'answer':
        return this.#permissions.decide(order)
      case 'move':
        this.#leaving.order(order.now === true || !this.#busy || this.#permissions.waiting() > 0)
        return undefined
      case 'stop':
        delete this.#state.open
        this.#save()
        this.#finish({ state: 'interrupted', reason: stopped(order.by) })
        return undefined
    }
  }

  /** Taken and queued in one write: a prompt is neither lost nor taken twice. */
  #accept(prompt: { order: string; text: string }): void {
    this.#state.taken.push(prompt.order)
    this.#state.queue.push(prompt)
    this.#save()
  }

  #save(): void {
    writeHostState(this.#parts.places.state, this.#state)
  }

  /** Sends the next prompt where no turn is open, when the node lets it. */
  #next(): void {
    if (this.#busy || this.#state.queue.length === 0) return
    this.#cancelIdle()
    const budget = this.#parts.order.agent.budgetUsd
    if (budget !== undefined && this.#state.costUsd >= budget)
      return this.#finish({ state: 'failed', reason: overBudget(this.#state.costUsd, budget) })
    this.#turnLeave.ask(() => this.#begin(budget))
  }

  #begin(budget: number | undefined): void {
    const prompt = this.#state.queue.shift()
    if (prompt === undefined) return
    this.#busy = true
    // Words of ours that take the place of a prompt are not remembered in its stead.
    if (this.#state.open?.order !== prompt.order) this.#state.open = prompt
    this.#save()
    try {
      this.#agent ??= this.#startAgent(budget)
      this.#agent.send(prompt)
      this.#silence.heard()
    } catch (error) {
      this.#fail('agent-not-started', error)
    }
  }

  #startAgent(budget: number | undefined): AgentProcess {
    const { order, driver } = this.#parts
    this.#before = { ...this.#state }
    const leftUsd = budget === undefined ? undefined : Math.max(0, budget - this.#state.costUsd)
    const process = driver.start(agentOrder(this.#parts, order.agent, this.#state, leftUsd), {
      event: (event) => this.#onEvent(event),
      permission: (request) => this.#permissions.request(request),
      heard: () => this.#silence.heard(),
    })
    void process.ended.then((reason) => this.#onAgentEnd(process, reason))
    return process
  }

  #onEvent(event: AgentEvent): void {
    this.#silence.heard()
    switch (event.type) {
      case 'ready':
        return this.#onReady(event)
      case 'usage':
        return this.#emit({ ...event, tokens: addTokens(this.#before.tokens, event.tokens) })
      case 'turn':
        this.#onTurn(event)
        return this.#parts.worthSaving()
      case 'tool-result':
        this.#emit(event)
        return this.#leaving.isTime() ? undefined : this.#parts.worthSaving(event.call)
      default:
        return this.#emit(event)
    }
  }

  #onReady(event: AgentEventOf<'ready'>): void {
    const resumed = this.#state.started
    this.#state.started = true
    this.#model = event.model ?? this.#model
    this.#state.agentSession = event.agentSession ?? this.#state.agentSession
    this.#save()
    this.#emit({ ...event, resumed })
    this.#parts.worthSaving()
  }

  #onTurn(event: AgentEventOf<'turn'>): void {
    this.#busy = false
    if (event.reason?.code === CONVERSATION_LOST && this.#state.started) {
      this.#agent?.close()
      this.#agent = undefined
      startOver(this.#state, this.#parts, randomUUID())
      return this.#next()
    }
    const counted = countTurn(this.#state, this.#before, event, this.#model)
    delete this.#state.open
    this.#save()
    this.#emit(counted)
    if (this.#leaving.isTime()) return
    if (event.result === 'budget' || event.result === 'error')
      return this.#finish({
        state: 'failed',
        reason: event.reason ?? { code: 'turn-failed', message: event.text.slice(0, 1_000) || 'The turn failed.' },
      })
    const budget = this.#parts.order.agent.budgetUsd
    if (budget !== undefined && this.#state.costUsd > budget)
      return this.#finish({ state: 'failed', reason: overBudget(this.#state.costUsd, budget) })
    if (this.#state.queue.length > 0) return this.#next()
    const idleMs = this.#parts.order.agent.idleMs ?? 0
    if (idleMs === 0) return this.#finish(endOf(event.result))
    this.#cancelIdle = this.#clock.after(idleMs, () => this.#finish(endOf(event.result)))
  }

  #onAgentEnd(process: AgentProcess, reason: AgentReason | undefined): void {
    if (this.#agent !== process) return
    this.#agent = undefined
    this.#permissions.forget()
    if (reason === undefined && !this.#busy) return
    this.#finish({ state: 'failed', reason: reason ?? DIED })
  }

  #finish(ending: Ending): void {
    this.#over.resolve(ending)
  }

  #fail(code: string, error: unknown): void {
    const { code: own, cure, message } = error as { code?: string; cure?: string; message: string }
    this.#finish({ state: 'failed', reason: { code: own ?? code, message, ...(cure === undefined ? {} : { cure }) } })
  }

  #emit(event: AgentEvent): void {
    this.#parts.emit(event)
  }
}
