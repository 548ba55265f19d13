// Who pays for Claude Code on this worker: a key, a token of `claude setup-token`, or a login that a person made here with `claude /login`.
// What is found stays on the machine and outside of the sandbox: the gate adds it to each request, the agent gets a word in its place.
import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>
export type ClaudeLogin = {
  kind: 'key' | 'token' | 'login'
  /** For the model's server; a login is read anew each time, since its person may renew it. */
  headers(): Record<string, string>
  /** What the agent is told instead. */
  variables: Record<string, string>
  /** Tells equal from different, and nothing else. */
  account: string
}

const HELD = 'held-by-the-worker'
const FILE = '.credentials.json'
/** What of the node's environment a session's host may see; the agent sees less. */
const PASSED_ON = /^(ANTHROPIC_(API_KEY|AUTH_TOKEN|BASE_URL|MODEL|SMALL_FAST_MODEL)|CLAUDE_CODE_OAUTH_TOKEN|NIMBUS_CLAUDE|LC_ALL|TZ)$/

export function passedOn(environment: Environment, dataDir: string): Record<string, string> {
  const kept = Object.entries(environment).filter(([name, value]) => PASSED_ON.test(name) && value !== undefined && value !== '')
  const file = loginFile(environment, dataDir)
  return { ...(Object.fromEntries(kept) as Record<string, string>), ...(file === undefined ? {} : { NIMBUS_CLAUDE_LOGIN: file }) }
}

/** A login in the worker's own settings of Claude Code, or in those that the node was started with; never one of the home folder. */
function loginFile({ CLAUDE_CONFIG_DIR: named }: Environment, dataDir: string): string | undefined {
  const folders = [join(dataDir, 'claude'), ...(named === undefined || named === '' ? [] : [named])]
  return folders.map((folder) => join(folder, FILE)).find((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true)
}

/** A key is used before a token, a token before a login. */
export function loginOf({
  ANTHROPIC_API_KEY: key = '',
  ANTHROPIC_AUTH_TOKEN: bearer = '',
  CLAUDE_CODE_OAUTH_TOKEN: token = '',
  NIMBUS_CLAUDE_LOGIN: file = '',
  ANTHROPIC_BASE_URL: base = '',
}: Environment): ClaudeLogin | undefined {
  const account = (what: string): string => createHash('sha256').update(`nimbus/account/v1\0${base}\0${what}`).digest('hex').slice(0, 16)
  const asKey = { ANTHROPIC_API_KEY: HELD }
  const asLogin = { CLAUDE_CODE_OAUTH_TOKEN: HELD }
  if (key !== '') return { kind: 'key', headers: () => ({ 'x-api-key': key }), variables: asKey, account: account(key) }
  if (bearer !== '') return { kind: 'key', headers: () => bearerOf(bearer), variables: asKey, account: account(bearer) }
  if (token !== '') return { kind: 'token', headers: () => bearerOf(token), variables: asLogin, account: account(token) }
  if (file === '') return undefined
  const { refresh, access } = readLogin(file)
  return { kind: 'login', headers: () => bearerOf(readLogin(file).access), variables: asLogin, account: account(refresh || access) }
}

/** Empty where it cannot be read: the server refuses the request, and the session says that nobody is logged in. */
function readLogin(file: string): { access: string; refresh: string } {
  try {
    const { claudeAiOauth: login } = JSON.parse(readFileSync(file, 'utf8')) as { claudeAiOauth?: Record<string, unknown> }
    const textOf = (value: unknown): string => (typeof value === 'string' && /^[\x21-\x7e]{1,4096}$/.test(value) ? value : '')
    return { access: textOf(login?.['accessToken']), refresh: textOf(login?.['refreshToken']) }
  } catch {
    return { access: '', refresh: '' }
  }
}

function bearerOf(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` }
}
