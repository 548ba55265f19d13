// The composition root: one node, built from its parts, read from top to bottom. Nothing else constructs and connects.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type CallRequest, decodeCallRequest, encodeCall } from '../protocols/calls.ts'
import type { PeerId, TaskId } from '../protocols/ids.ts'
import type { Presence } from '../protocols/presence.ts'
import { operatorToken } from './api/access/token-file.ts'
import { createApiServer } from './api/server.ts'
import type { ReadyInfo, UpOptions } from './config.ts'
import { createSystemClock } from './kernel/clock.ts'
import { messageOf } from './kernel/errors.ts'
import { createHlc } from './kernel/hlc.ts'
import { createFileLog } from './kernel/log.ts'
import { createSystemRandom } from './kernel/random.ts'
import { createMeshHost } from './mesh/host.ts'
import { createMembership, MEMBERSHIP_PRESETS } from './mesh/membership.ts'
import { createBlockStore } from './replication/block-store.ts'
import { createWorkspaces } from './repos/workspaces.ts'
import { createRunner } from './runner/guardian-client.ts'
import { createBlobStore } from './store/blobs.ts'
import { createGroupCommit } from './store/group-commit.ts'
import { openLevelDatabase } from './store/level-database.ts'
import type { Engine } from './tasks/engine.ts'
import { createEngine } from './tasks/engine.ts'
import { type BlobFetchComponents, createBlobFetch } from './tasks/work/blob-fetch.ts'
import { createBlobKeeper } from './tasks/work/blob-keeper.ts'
import { createChildCancels } from './tasks/cancel-children.ts'
import { createPreparation } from './tasks/work/prepare-run.ts'
import { createRunLogs } from './tasks/work/run-logs.ts'
import { createSecretBook } from './tasks/secrets/secret-book.ts'
import { createShellWork, type ShellWorkComponents } from './tasks/work/shell-work.ts'
import { createAdmission } from './trust/admission.ts'
import { loadIdentity } from './trust/identity.ts'
import { createInviteBook } from './trust/invite-book.ts'
import { createInvites } from './trust/invites.ts'
import { createSealing } from './trust/sealing.ts'
import { createTrustSet } from './trust/trust-set.ts'
import { createSessions } from './wiring/agents/sessions.ts'
import { createCosts } from './wiring/costs/costs.ts'
import { createAgenda } from './wiring/plan/agenda.ts'
import { createBuildRoom } from './wiring/builds/build-room.ts'
import { createBlobPort } from './wiring/ports/blob-port.ts'
import { createCallDesk } from './wiring/call-desk.ts'
import { createGithostWiring } from './wiring/githost/githost-wiring.ts'
import { enterMesh } from './wiring/enter-mesh.ts'
import { openVault, sayKey } from './wiring/ports/secret-vault.ts'
import { createGroupsPort } from './wiring/ports/groups-port.ts'
import { createInsidePort } from './wiring/ports/inside-port.ts'
import { createNamesPort } from './wiring/ports/names-port.ts'
import { createLastWordsWiring } from './wiring/last-words.ts'
import { assertAdmin, createLifecycle, type Stopped } from './wiring/lifecycle.ts'
import { createMemberFacts } from './wiring/member-facts.ts'
import { connectMesh, createPresenceTeller, createSender } from './wiring/mesh-link.ts'
import { createMayWrite } from './wiring/plan/may-write.ts'
import { createMetrics } from './wiring/metrics.ts'
import { createPagePasses } from './wiring/front/page-passes.ts'
import { createRepos } from './wiring/repos/repos-wiring.ts'
import { createNodePort } from './wiring/node-port.ts'
import { createOverlayWiring } from './wiring/overlay/overlay-wiring.ts'
import { listenAddresses, machineName, profileOf, sayWhoIAm } from './wiring/own-profile.ts'
import { createOwnPresence, resourcesOf } from './wiring/presence.ts'
import { createProgressBoard } from './tasks/view/progress-board.ts'
import { createAddressStore, createValues, openEpoch, readSeatMemory } from './wiring/stored-state.ts'
import { createServices } from './wiring/services/services.ts'
import { createKnowledgeWiring } from './wiring/tools/knowledge.ts'
import { createQuestionsWiring } from './wiring/tools/questions.ts'
import { createTokens } from './wiring/tokens/tokens.ts'
import { createTaskTokens } from './wiring/tools/task-tokens.ts'
import { createRetention } from './wiring/tasks/retention.ts'
import { createUpgradeWiring } from './wiring/upgrade/upgrade.ts'
import { createTerminals } from './wiring/terminals/terminals.ts'
import { createViews } from './wiring/views.ts'

export type StartedNode = { stopped: Promise<Stopped>; stop(): void }

const PACKAGE_FILE = fileURLToPath(new URL('../package.json', import.meta.url))
const WEB_DIR = fileURLToPath(new URL('../web/dist', import.meta.url))

export async function startNode(options: UpOptions, on: { ready(info: ReadyInfo): void }): Promise<StartedNode> {
  const { dataDir } = options
  const { version } = JSON.parse(await readFile(PACKAGE_FILE, 'utf8')) as { version: string }
  const clock = createSystemClock()
  const random = createSystemRandom()
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const logFile = join(dataDir, 'node.log')
  const log = createFileLog(logFile, process.env['NIMBUS_DEBUG'] === '1' ? 'debug' : 'info')
  const onError = (error: unknown): void =>
    log.error({ reason: messageOf(error), stack: error instanceof Error ? error.stack : undefined }, 'unexpected error')
  const lifecycle = createLifecycle({ clock, log })
  try {
    // Disk and identity.
    const database = await openLevelDatabase(join(dataDir, 'store'))
    lifecycle.onStop('store', () => database.close())
    const commit = createGroupCommit(database, (error) => lifecycle.fail('the store cannot be written', error))
    lifecycle.onStop('commit', () => commit.flush())
    const values = createValues(database, commit)
    const identity = await loadIdentity(join(dataDir, 'identity.key'))
    const self = identity.peerId
    const token = await operatorToken(dataDir, random)

    // Trust: who may be here.
    const trust = createTrustSet({ identity, clock, random, store: values.slot('trust'), onError })
    const requestedName = options.name ?? (await values.get<string>('name')) ?? machineName()
    const { psk, bootstrap } = await enterMesh({ identity, trust, values, clock, random, log }, { name: requestedName, join: options.join })
    await values.set('name', requestedName)
    const book = createInviteBook(values.slot('invites'))
    await book.load()
    const invites = createInvites({ identity, trust, book, psk, clock, random })
    const members = createMemberFacts(trust)
    const mayWrite = (peer: PeerId): boolean => (members.find(peer)?.role ?? 'viewer') !== 'viewer'

    // What a crashed predecessor left running is ended before anything else may run.
    const runner = createRunner({ clock, log, dataDir })
    await runner.leftovers()
    const epoch = await openEpoch(values, clock.wallMs(), random.next())

    // Mesh: links between members.
    const host = createMeshHost(
      {
        identity,
        psk,
        mesh: trust.mesh(),
        clock,
        random,
        log,
        admission: createAdmission({ identity, trust, invites }),
        book: createAddressStore(database, commit),
        wanted: () => overlay.wanted(),
      },
      { listen: await listenAddresses(options, values), mdns: options.mdns },
    )
    const send = createSender(host)
    const everybodyElse = (): readonly PeerId[] => members.others(self)
    const membership = createMembership(
      {
        clock,
        random,
        send: (peer, message) => void send(peer, message),
        members: everybodyElse,
        linked: host.peers,
        hubs: () => overlay.hubs(),
        onChange(peer) {
          engine.scheduler.wake()
          emitWorker(peer)
        },
        onRoundTrip: host.noteRoundTrip,
        onSilentLink: host.cutOff,
      },
      MEMBERSHIP_PRESETS[options.preset],
    )

    const onPresence = (status: Presence): void => void (fleet.notePresence(status) && (emitWorker(status.node), engine.scheduler.wake()))
    const overlay = createOverlayWiring({
      identity,
      clock,
      random,
      host: () => host,
      engine: () => engine,
      membership: () => membership,
      send,
      members: everybodyElse,
      onPresence,
      onError,
    })
    const tellPresence = createPresenceTeller(host, send, overlay, () =>
      members.current().flatMap(({ peerId }) => (peerId !== self && membership.stateOf(peerId) === 'alive' ? [peerId] : [])),
    )

    // Work: processes of this machine.
    const blobs = createBlobStore({ dir: join(dataDir, 'blobs') })
    await blobs.dropDrafts()
    const blobSource: Pick<BlobFetchComponents, 'linked' | 'call'> = {
      linked: host.peers,
      call: (peer, request, signal) => overlay.call(peer, encodeCall(request), { signal, timeoutMs: COMMAND_MS }),
    }
    const blobFetch = createBlobFetch({ self, blobs, ...blobSource })
    const workspaces = createWorkspaces({ dataDir })
    await workspaces.sweep()
    const repos = createRepos({ clock, random, dataDir, env: process.env, onError })
    const tokens = createTaskTokens({ clock, random, engine: () => engine, node: () => port, onError })
    let sayProfile = (): void => {}
    const nimbus = [process.execPath, fileURLToPath(new URL('nimbus.js', import.meta.url))]
    const builds = await createBuildRoom({
      identity,
      clock,
      values,
      blobs,
      nimbus,
      version,
      environment: process.env,
      caches: { dataDir, bytesMax: options.cacheBytes, fetch: blobSource },
      onError,
      rooms: () => ({ engine, fleet }),
      onTools: () => sayProfile(),
    })
    const progress = createProgressBoard({
      clock,
      self,
      tell: (message) => host.peers().forEach((peer) => void send(peer, message)),
      onChange: (task) => emitTask(task),
    })
    const costs = createCosts({ self, clock })
    const sessions = createSessions({
      money: costs.money,
      self,
      clock,
      random,
      dataDir,
      blobs,
      repos,
      environment: process.env,
      fetch: blobFetch,
      call: blobSource.call,
      tell: (message) => host.peers().forEach((peer) => void send(peer, message)),
    })
    const runsAs = (task: TaskId, runEpoch: number): Record<string, string> => ({
      NIMBUS_TASK: task,
      NIMBUS_FENCE: String(runEpoch),
      NIMBUS_WORKER: fleet.nameOf(self),
    })
    const services = createServices({
      self,
      clock,
      log,
      dataDir,
      blobs,
      nimbus,
      fetch: blobFetch,
      toolHomes: builds.work.environment,
      host: options.serviceHost,
      environment: runsAs,
    })
    const preparation = {
      clock,
      dataDir,
      workspaces,
      blobs,
      fetch: blobFetch,
      clone: repos.clone,
      taskOf(id: TaskId) {
        const state = engine.fold.task(id)
        return state === undefined ? undefined : views.taskOf(state)
      },
    }
    const carriage: Pick<ShellWorkComponents, 'secrets' | 'environment' | 'onProgress' | 'ended'> = {
      secrets: ({ spec }) => vault.open(spec.secrets ?? []),
      environment: (order) => ({
        PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
        LANG: process.env['LANG'] ?? 'C.UTF-8',
        ...runsAs(order.task, order.epoch),
        NIMBUS_ATTEMPT: String(order.attempt),
        NIMBUS_URL: lifecycle.httpOrigin(),
        NIMBUS_TOKEN: tokens.issue(order),
      }),
      onProgress: progress.note,
      ended(task, runEpoch, outcome) {
        tokens.revoke(task, runEpoch)
        engine.execution.ended(task, runEpoch, outcome)
      },
    }
    const work = createShellWork({
      ...carriage,
      clock,
      log,
      dataDir,
      runner,
      workspaces,
      blobs,
      prepare: createPreparation(preparation),
      agents: sessions.work,
      builds: builds.work,
      services: services.runs,
    })
    const terminals = createTerminals({
      ...carriage,
      self,
      clock,
      random,
      log,
      dataDir,
      preparation,
      mayWrite,
      engine: () => engine,
      fleet: () => fleet,
      call: (peer, request, callOptions) => overlay.call(peer, encodeCall(request), callOptions),
    })

    // The queue: replicated logs, registers, leases, claims.
    const slots = options.slots ?? availableParallelism()
    const presence = createOwnPresence({
      self,
      epoch,
      clock,
      freeSlots: () => slots - engine.execution.busy(),
      tell: (status) => (tellPresence(status), emitWorker(self)),
      pace: overlay.pace,
    })
    const blocks = createBlockStore(database)
    const memory = await readSeatMemory(database, values, trust.founder(), self)
    if (memory.damaged) log.error({}, 'the memory of this keeper is damaged: it does not vote before it has read a majority of the others')
    const lastWords = createLastWordsWiring({
      psk,
      mesh: trust.mesh(),
      identity,
      trust,
      runner,
      host,
      clock,
      log,
      seats: () => engine.seats.config().seats,
      onLastWords: (node, term) => engine.onLastWords(node, term),
    })
    const agenda = createAgenda({
      self,
      clock,
      random,
      onError,
      mayPublish(peer) {
        const member = members.find(peer)
        return member !== undefined && member.left !== true && member.removed !== true && mayWrite(peer)
      },
    })
    const githost = createGithostWiring({ self, clock, random, log, dataDir, mayWrite })
    const questions = createQuestionsWiring({ self, clock, onError })
    const knowledge = createKnowledgeWiring({ self, clock, random })
    const userTokens = createTokens({ self, clock, random, members, onError })
    const secretBook = createSecretBook(() => secretsChanged())
    let secretsChanged = (): void => {}
    const sealing = await createSealing(identity)
    const metrics = createMetrics()
    let damagedBlocks = 0
    const engine: Engine = await createEngine(
      {
        self,
        epoch,
        clock,
        random,
        hlc: createHlc(clock),
        blocks,
        sign: (bytes) => identity.sign('', bytes),
        verify: (author, bytes, signature) => identity.verifyPeer(author, '', bytes, signature),
        persist: commit.add,
        saveSeat: (state, done) => values.put('seat', state, done),
        net: { send, linked: host.peers, neighbours: overlay.neighbours, leaving: overlay.leaving },
        trust: {
          wasMember: (peer) => members.find(peer) !== undefined,
          mayPublish: mayWrite,
          isAdmin: (peer) => members.find(peer)?.role === 'admin',
          cutOf: (peer, logEpoch) => (trust.cutOf(peer) === undefined ? undefined : (trust.cutOf(peer)?.get(logEpoch) ?? 0)),
          keepers: () =>
            members
              .current()
              .flatMap((member) =>
                member.role === 'viewer' || member.left === true || member.removed === true || fleet.isLeaving(member.peerId)
                  ? []
                  : [member.peerId],
              ),
        },
        assertKnown: (kind) => upgrade.assertKnown(kind),
        foldParts: [
          ...agenda.parts,
          secretBook.part,
          repos.part,
          services.part,
          ...githost.parts,
          sessions.part,
          knowledge.part,
          userTokens.part,
          ...costs.parts,
        ],
        work: terminals.around(work),
        notHereBeforeMs: sessions.notHereBeforeMs,
        offers: () => fleet.offers(),
        nameOf: (peer) => fleet.nameOf(peer),
        slots: () => (presence.current().state === 'active' ? slots : 0),
        listener: {
          onTask(state) {
            builds.noteTask(state)
            retention.note(state)
            blobKeeper.note(state)
            childCancels.note(state)
            agenda.noteTask(state)
            services.noteTask(state)
            sessions.noteTask(state)
            questions.note(state)
            terminals.note(state)
            emitTask(state.id)
          },
          onProfile(node) {
            fleet.changed()
            emitWorker(node)
          },
          onGroup: () => feed.emit(() => ({ type: 'mesh.updated', entity: 'mesh', id: trust.mesh(), data: port.mesh() })),
          onName: githost.onName,
          onRuns: () => presence.changed(),
          onLease: lastWords.onLease,
          onClaimed: metrics.claimed,
          onFork: (author) => log.error({ author }, 'a member signed two blocks with one number; its log is frozen'),
          onReject: (peer, verdict) => log.warn({ peer, reason: verdict.reason, detail: verdict.detail }, 'a block of a peer was rejected'),
          onError,
        },
      },
      {
        ...memory,
        isDamaged: () => damagedBlocks > 0,
        blocks: blocks.all((key) => {
          damagedBlocks += 1
          log.error(
            { key },
            'a stored block is damaged; it is fetched again, and this keeper reads a majority of the others before it votes',
          )
        }),
      },
    )

    // Views: what people and programs see.
    const views = createViews({
      self,
      clock,
      engine,
      members,
      membership,
      host,
      presence,
      progress,
      blocks,
      flushed: commit.flush,
      secrets: secretBook,
      stopFor: (worker, spec) => sessions.stopFor(worker, spec) ?? costs.stopFor(worker, spec),
      otherEvents: (block) => [agenda, services, githost, sessions, questions, knowledge, costs].flatMap((room) => room.eventsOf(block)),
    })
    const { fleet, feed, emitTask, emitWorker } = views
    const retention = createRetention({
      clock,
      log,
      retentionMs: options.retention,
      dataDir,
      engine,
      saved: sessions.named,
      agenda: { plans: () => [...agenda.plans(), ...services.plans()] },
      blobs,
      work,
      onRemoved: (hash) => blobKeeper.forget(hash),
      onError,
    })
    const logs = createRunLogs({
      self,
      clock,
      fold: engine.fold,
      runner,
      work,
      blobs: builds.caches.beside(blobs),
      fetch: blobFetch,
      retention,
      call: (peer, request, signal) => overlay.call(peer, encodeCall(request), { signal, timeoutMs: CALL_SILENCE_MS }),
      changed: engine.changed,
    })
    const childCancels = createChildCancels({ self, fold: engine.fold, families: engine.families, append: (entry) => engine.append(entry) })
    const isSeat = (): boolean => engine.seats.config().seats.includes(self)
    const blobKeeper = createBlobKeeper({ self, fetch: blobFetch, isSeat, isOver: retention.isOver, onError })

    // The node's own life: drain, stop, leave.
    lifecycle.connect({ engine, presence, work, runner, trust, host, fleet, self, members })
    const vault = openVault({
      self,
      mesh: trust.mesh(),
      random,
      sealing,
      book: secretBook,
      engine,
      fleet,
      linked: host.peers,
      call: (peer, request) => host.call(peer, encodeCall(request), { timeoutMs: COMMAND_MS }),
    })
    secretsChanged = engine.scheduler.wake
    const callWithin = (peer: PeerId, request: CallRequest, timeoutMs: number): AsyncIterable<Uint8Array> =>
      overlay.call(peer, encodeCall(request), { timeoutMs })
    const hosting = githost.open({
      engine,
      fleet,
      feed,
      pipe: overlay.pipe,
      call: callWithin,
      mirrors: repos.mirrors,
    })
    host.onPipe(githost.onPipe)
    const passes = createPagePasses({
      self,
      clock,
      fleet,
      roleOf: (peer) => members.find(peer)?.role ?? 'viewer',
      accept: options.accept,
      linked: host.peers,
      call: (peer, request, timeoutMs) => overlay.call(peer, encodeCall(request), { timeoutMs }),
      issue: () => api.pass(),
    })
    const desk = createCallDesk({
      givePass: passes.give,
      logs,
      terminals,
      command: lifecycle.command,
      grant: vault.grantTo,
      mayCommand: mayWrite,
      takeCommits: githost.take,
      takeBlob: sessions.take,
      knownRepo: repos.mirrors.known,
    })
    host.onCall((peer, body, signal) => desk.answer(peer, decodeCallRequest(body), signal))
    const upgrade = await createUpgradeWiring(
      {
        self,
        clock,
        log,
        dataDir,
        values,
        engine,
        fleet,
        members,
        blobs,
        blobFetch,
        onError,
        hosting,
        clone: repos.clone,
        credentialFor: repos.credentialFor,
        linked: host.peers,
        httpOrigin: lifecycle.httpOrigin,
        retire: (drainMs) => lifecycle.shutdown(true, drainMs),
        assertAdmin: (deed) => assertAdmin(trust, self, fleet.nameOf(self), deed),
      },
      options.upgrade,
    )
    const tokenDesk = userTokens.open({ engine, fleet })
    const blobPort = createBlobPort({ blobs, fetch: blobFetch, retention })
    const port = createNodePort({
      ...agenda.open({ engine, fleet, feed }),
      self,
      mesh: trust.mesh(),
      clock,
      quota: options,
      startedAtMs: clock.nowMs(),
      engine,
      fleet,
      feed,
      logs,
      epochOf: (peer) => (peer === self ? epoch : fleet.epochOf(peer)),
      viewOf: views.taskOf,
      httpAddress: lifecycle.httpOrigin,
      parts: {
        terminals: terminals.port,
        secrets: vault,
        tokens: tokenDesk,
        repos: repos.open({
          self,
          engine,
          fleet,
          feed,
          vault,
          mayWrite,
          openTo: secretBook.openTo,
          hosted: hosting.list,
          call: callWithin,
          pipe: overlay.pipe,
        }),
        services: services.open({ engine, fleet, feed }),
        blobs: blobPort,
        builds: builds.open({ engine, fleet, fetch: blobFetch, tasks: (query) => port.tasks(query), task: (id) => port.task(id) }),
        costs: costs.open({ engine, fleet, feed, sessions: () => port.sessions }),
        sessions: sessions.open({
          engine,
          fleet,
          sealing,
          sealingKey: secretBook.sealingKey,
          views,
          quota: options,
          node: {
            task: (id) => port.task(id),
            readLog: (id, query) => port.readLog(id, query),
            openBlob: blobPort.open,
            cancel: (id) => port.cancel(id),
          },
        }),
        names: createNamesPort({ engine, fleet, assertMayWrite: createMayWrite(self, fleet) }),
        groups: createGroupsPort({
          self,
          clock,
          log,
          engine,
          fleet,
          assertAdmin: (deed) => assertAdmin(trust, self, fleet.nameOf(self), deed),
        }),
        upgrade: upgrade.port,
        ...createInsidePort({ engine, work, viewOf: views.taskOf }),
        hosting,
        passes,
        questions: questions.open({ engine, fleet, feed }),
        heldLocks: tokens.heldLocks,
        knowledge: knowledge.open({ engine, fleet, feed }),
      },
      grant: tokens.grant,
      invite: lifecycle.invite(invites),
      call: (peer, request) => overlay.call(peer, encodeCall(request), { timeoutMs: COMMAND_MS }),
      commandSelf: lifecycle.command,
      removeMember: lifecycle.removeMember,
      leave: lifecycle.leave,
      shutdown: lifecycle.shutdown,
      metrics: metrics.open({
        host,
        engine,
        commit,
        readers: feed.readers,
        aliveMembers: () => fleet.offers().filter((offer) => offer.alive).length,
      }),
    })
    const api = createApiServer(
      { node: port, clock, random, log, token, taskTokens: tokens, userTokens: tokenDesk },
      { host: options.http.host, port: options.http.port, auth: options.auth, webDir: WEB_DIR, logFile, version },
    )

    // Start: doors first, then the queue, then the world hears of it.
    const { origin } = await api.start()
    lifecycle.onStop('api', api.stop)
    lifecycle.setHttpOrigin(origin)
    lifecycle.onStop(
      'trust news',
      trust.onChange(
        () => (members.changed(), fleet.changed(), host.helloAgain(), members.current().forEach(({ peerId }) => emitWorker(peerId))),
      ),
    )
    lifecycle.onStop(
      'mesh link',
      connectMesh(
        {
          clock,
          log,
          host,
          membership,
          overlay,
          engine,
          onPresence,
          onProgress: progress.receive,
          onSessionOutput: sessions.receive,
          ownPresence: presence.current,
          onPeer: emitWorker,
        },
        send,
      ),
    )
    await host.start()
    lifecycle.onStop('mesh', host.stop)
    await values.set('listen', host.addresses())
    await lastWords.start()
    lifecycle.onStop('last words', lastWords.stop)
    engine.start()
    void terminals.sweep().catch(onError)
    membership.start()
    overlay.start()
    presence.start()
    agenda.start()
    questions.start(port.messages)
    tokenDesk.start()
    lifecycle.onStop('tokens', tokenDesk.stop)
    retention.start()
    repos.start()
    lifecycle.onStop('repos', repos.stop)
    lifecycle.onStop('retention', retention.stop)
    lifecycle.onStop(
      'queue',
      () => (overlay.stop(), agenda.stop(), questions.stop(), blobKeeper.stop(), presence.stop(), membership.stop(), engine.stop()),
    )
    if (bootstrap !== undefined)
      await host.dial(bootstrap).catch((error: unknown) => log.warn({ reason: messageOf(error) }, 'the redeemer cannot be reached yet'))
    const profile = profileOf(options, requestedName, slots, version, await resourcesOf(dataDir))
    sayProfile = () => sayWhoIAm(engine, { ...profile, ...upgrade.profile(), tools: { ...builds.tools.current() } }, self)
    sayProfile()
    lifecycle.onStop('upgrade', upgrade.stop)
    sayKey(engine, { book: secretBook, sealing, self })
    lifecycle.watchLoop(membership.onLoopDelay)
    await writeFile(
      join(dataDir, 'node.json'),
      JSON.stringify({ http: origin, pid: process.pid, name: fleet.nameOf(self), peerId: self }),
      { mode: 0o600 },
    )
    await hosting.start()
    lifecycle.onStop('git host', hosting.stop)
    lifecycle.onStop('node file', () => rm(join(dataDir, 'node.json'), { force: true }))
    on.ready({
      name: fleet.nameOf(self),
      http: origin,
      signInUrl: api.signInUrl(),
      peerId: self,
      mesh: trust.mesh(),
      addresses: host.addresses(),
      pid: process.pid,
    })
    upgrade.start()
    return { stopped: lifecycle.stopped, stop: lifecycle.interrupt }
  } catch (error) {
    await lifecycle.abandon()
    throw error
  }
}

/** Silence of a log that is followed: the work may say nothing for a long time. */
const CALL_SILENCE_MS = 24 * 3_600_000
const COMMAND_MS = 10_000
