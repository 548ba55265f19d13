// Claude Code over its stream of JSON lines: starts the program, writes prompts and answers, hands its lines to the reader. It is
// started with our settings alone: nothing that a repository brings (hooks, servers, variables) is read.
import { realpathSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import type { AgentReason } from '../../../protocols/agents/agent-events.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { findTool } from '../../runner/commands/find-tools.ts'
import type { AgentDriver, AgentListener, AgentOrder, AgentProcess } from '../driver.ts'
import { loginOf } from './claude-login.ts'
import { type ClaudeReader, createClaudeReader } from './claude-lines.ts'

const INSTALL = 'npm install -g @anthropic-ai/claude-code on that worker, or name the program: NIMBUS_CLAUDE=PATH.'
/** Lines that are no JSON before it is given up: a wrapper may greet once. */
const NONSENSE_MAX = 20
/** The tools of the mesh; the address stands in the environment, since only there the gate's port is put in. */
const MESH_TOOLS = JSON.stringify({ mcpServers: { nimbus: { type: 'http', url: '${NIMBUS_MCP}' } } })
const FIXED_ARGUMENTS = [
  '-p',
  '--input-format=stream-json',
  '--output-format=stream-json',
  '--verbose',
  '--permission-prompt-tool=stdio',
  '--setting-sources=user',
  '--strict-mcp-config',
  '--mcp-config',
  MESH_TOOLS,
]

export const claudeCode: AgentDriver = {
  name: 'claude',
  upstream(environment) {
    const login = loginOf(environment)
    if (login === undefined) return undefined
    const { ANTHROPIC_BASE_URL: base } = environment
    const origin = new URL(base === undefined || base === '' ? 'https://api.anthropic.com' : base).href.replace(/\/$/, '')
    return { origin, headers: login.headers, variables: login.variables }
  },
  start(order, listener) {
    const program = findProgram(order)
    const reader = createClaudeReader(listener, order.clock.wallMs)
    let nonsense = 0
    const pipe = order.launch({
      argv: [...program, ...argumentsOf(order)],
      env: environmentOf(order),
      readable: program.filter(isAbsolute).flatMap((file) => readableFor(file)),
      onLine(line) {
        listener.heard()
        if (reader.read(line)) return
        nonsense += 1
        if (nonsense === NONSENSE_MAX) pipe.signal('SIGKILL')
      },
      onLongLine: (bytes) => listener.event({ type: 'note', text: `A line of ${bytes} bytes was left out.` }),
    })
    return processOf(pipe, reader, listener, () => nonsense)
  },
}

function processOf(
  pipe: ReturnType<AgentOrder['launch']>,
  reader: ClaudeReader,
  listener: AgentListener,
  nonsense: () => number,
): AgentProcess {
  let closing = false
  let count = 0
  const write = (value: unknown): void => pipe.write(JSON.stringify(value))
  return {
    send({ order, text }) {
      reader.prompted(order)
      write({ type: 'user', message: { role: 'user', content: [{ type: 'text', text }] }, parent_tool_use_id: null, session_id: '' })
      listener.event({ type: 'prompt', order, text })
    },
    interrupt() {
      count += 1
      reader.interrupting()
      write({ type: 'control_request', request_id: `nimbus-${count}`, request: { subtype: 'interrupt' } })
    },
    answer(request, { allow, message }) {
      const response = allow
        ? { behavior: 'allow', updatedInput: reader.inputOf(request) ?? {} }
        : { behavior: 'deny', message: message ?? 'This was refused.' }
      write({ type: 'control_response', response: { subtype: 'success', request_id: request, response } })
    },
    close() {
      closing = true
      pipe.closeInput()
    },
    signal: pipe.signal,
    ended: pipe.ended.then((end) => (closing ? undefined : reasonOf(end, reader, nonsense()))),
  }
}

function findProgram({ command, environment }: AgentOrder): string[] {
  if (command !== undefined && command.length > 0) return [...command]
  const named = environment['NIMBUS_CLAUDE']
  const found = named !== undefined && named !== '' ? named : findTool('claude', environment['PATH'] ?? '')
  if (found !== undefined) return [found]
  throw new NimbusError('agent-absent', 'There is no Claude Code on this worker: the program claude is not on its PATH.', {
    kind: 'missing',
    cure: INSTALL,
  })
}

function argumentsOf({ ask, model, budgetUsd, resume, agentSession }: AgentOrder): string[] {
  return [
    ...FIXED_ARGUMENTS,
    ...(resume === undefined ? ['--session-id', agentSession] : ['--resume', resume]),
    ...(ask === undefined ? [] : ['--settings', JSON.stringify({ permissions: { ask } })]),
    ...(model === undefined ? [] : ['--model', model]),
    ...(budgetUsd === undefined ? [] : ['--max-budget-usd', String(budgetUsd)]),
  ]
}

function environmentOf({ home, configDir, environment }: AgentOrder): Record<string, string> {
  const kept = Object.entries(environment).filter(([name]) => /^(LANG|LC_ALL|TZ|ANTHROPIC_MODEL|ANTHROPIC_SMALL_FAST_MODEL)$/.test(name))
  return {
    ...(Object.fromEntries(kept) as Record<string, string>),
    PATH: environment['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    HOME: home,
    CLAUDE_CONFIG_DIR: configDir,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
  }
}

/** The program itself, where its links lead, and the package that it is part of. */
function readableFor(file: string): string[] {
  let real = file
  try {
    real = realpathSync(file)
  } catch {
    return [file] // absent: the start says so
  }
  const packages = /^(.*\/node_modules)\//.exec(real)?.[1]
  return [dirname(file), dirname(real), ...(packages === undefined ? [] : [join(packages)])]
}

function reasonOf(end: { exitCode?: number; signal?: string; errors: string }, reader: ClaudeReader, nonsense: number): AgentReason {
  const errors = end.errors.trim().slice(-1_000)
  const how = end.signal === undefined ? `with exit code ${end.exitCode ?? '?'}` : `by ${end.signal}`
  const said = errors === '' ? '' : ` It said: ${errors}`
  if (/unknown option|unknown argument|unrecognized option/i.test(errors))
    return {
      code: 'agent-too-old',
      message: `This Claude Code does not know an option that Nimbus needs.${said}`,
      cure: 'Update it on that worker: npm install -g @anthropic-ai/claude-code@latest.',
    }
  if (nonsense >= NONSENSE_MAX || (nonsense > 0 && !reader.isReady()))
    return {
      code: 'agent-nonsense',
      message: `The program wrote ${nonsense} lines that are no messages of Claude Code, and ended ${how}.${said}`,
      cure: 'Look whether claude on that worker is Claude Code: claude --version.',
    }
  if (/ENOENT|not found|No such file/i.test(errors) && !reader.isReady())
    return { code: 'agent-absent', message: `Claude Code could not be started: it ended ${how}.${said}`, cure: INSTALL }
  if (!reader.isReady())
    return {
      code: 'agent-exited',
      message: `Claude Code ended ${how} before it was ready.${said}`,
      cure: 'Start it by hand on that worker: claude -p hello. Then look at nimbus session show.',
    }
  return {
    code: 'agent-died',
    message: `Claude Code ended ${how} in the middle of its work.${said}`,
    cure: 'nimbus session resume goes on where it was.',
  }
}
