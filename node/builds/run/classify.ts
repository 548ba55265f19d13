// What went wrong in a build, from its output and its end, and which recovery fits. Pure, and careful: what is not recognised is a
// failure of the code until a person says otherwise, and nothing is tried twice without a reason.
export type FailureClass =
  | 'network'
  | 'lockfile'
  | 'stale-cache'
  | 'missing-tool'
  | 'out-of-memory'
  | 'disk-full'
  | 'timed-out'
  | 'test'
  | 'compile'
  | 'unknown'

export type Recovery = 'retry' | 'unlocked-install' | 'clean-build' | 'less-parallel' | 'other-worker' | 'give-up'

export type Ended = {
  phase: 'install' | 'build' | 'test'
  exitCode?: number
  signal?: string
  timedOut?: boolean
  /** It was ended because it met its limit of memory. */
  outOfMemory?: boolean
  /** The end of the output. */
  output: string
}

export type Diagnosis = { failure: FailureClass; reason: string }

type Rule = { failure: FailureClass; pattern: RegExp; phases?: readonly Ended['phase'][] }

/** In order: a sign that is more certain stands higher. */
const RULES: readonly Rule[] = [
  { failure: 'disk-full', pattern: /ENOSPC|No space left on device|disk quota exceeded/i },
  {
    failure: 'out-of-memory',
    pattern:
      /JavaScript heap out of memory|java\.lang\.OutOfMemoryError|Cannot allocate memory|virtual memory exhausted|std::bad_alloc|fatal error: runtime: out of memory/i,
  },
  {
    failure: 'missing-tool',
    pattern:
      /(?:^|[\s:])([\w.+-]+): (?:command )?not found|executable file not found in \$PATH|No such file or directory \(os error 2\)|is not recognized as an internal|Unsupported engine|EBADENGINE.*required|requires rustc [\d.]+ or newer|go\.mod requires go >=|No CMAKE_\w+_COMPILER could be found/im,
  },
  {
    failure: 'lockfile',
    phases: ['install'],
    pattern:
      /npm error code EUSAGE|in sync with.*lock|Missing: .+ from lock file|ERR_PNPM_OUTDATED_LOCKFILE|YN0028|lockfile would have been modified|needs to be updated but --locked|lock file .* needs to be updated|lockfile.*(?:outdated|out of date|not up to date)|pyproject\.toml changed significantly since poetry\.lock/i,
  },
  {
    failure: 'stale-cache',
    pattern:
      /EINTEGRITY|integrity checksum failed|checksum (?:mismatch|for .* changed)|hash mismatch|corrupt(?:ed)? (?:cache|index|archive)|failed to verify the checksum|cached artifact .* (?:invalid|corrupt)|invalid metadata files for crate/i,
  },
  {
    failure: 'network',
    pattern:
      /ECONNRESET|ECONNREFUSED|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|ERR_SOCKET_TIMEOUT|network is unreachable|could not resolve host|temporary failure in name resolution|connection (?:refused|reset|timed out)|failed to (?:download|fetch)|HTTP(?: error)? (?:429|502|503|504)|(?:429|502|503|504) (?:Too Many|Bad Gateway|Service Unavailable|Gateway)|spurious network error|problem confirming the ssl certificate|Could not fetch URL|Read timed out|TLS handshake timeout|net\/http: request canceled/i,
  },
  {
    failure: 'test',
    phases: ['test'],
    pattern:
      /(?:\d+ (?:failed|failing)|Tests?:? +\d+ failed|FAILED \(|^FAIL\b|test result: FAILED|--- FAIL:|not ok \d+|AssertionError|There (?:was|were) \d+ failure)/im,
  },
  {
    failure: 'compile',
    pattern:
      /error TS\d+|error\[E\d+\]|SyntaxError|: error: |COMPILATION ERROR|error CS\d+|cannot find symbol|undefined reference to|Module not found|Cannot find module|could not compile/i,
  },
]

export function classify(ended: Ended): Diagnosis {
  if (ended.timedOut === true) return { failure: 'timed-out', reason: `${ended.phase} took longer than it may` }
  if (ended.outOfMemory === true) return { failure: 'out-of-memory', reason: `${ended.phase} met its limit of memory` }
  for (const { failure, pattern, phases } of RULES) {
    if (phases !== undefined && !phases.includes(ended.phase)) continue
    const found = pattern.exec(ended.output)?.[0]
    if (found !== undefined) return { failure, reason: `the output says ${JSON.stringify(found.trim().slice(0, 120))}` }
  }
  if (ended.exitCode === 127) return { failure: 'missing-tool', reason: 'it ended with 127: a command was not found' }
  if (ended.signal === 'SIGKILL' || ended.exitCode === 137)
    return { failure: 'out-of-memory', reason: 'something ended it with SIGKILL; the usual cause is memory' }
  if (ended.phase === 'test') return { failure: 'test', reason: `tests ended with ${ended.exitCode ?? ended.signal ?? 'no code'}` }
  return { failure: 'unknown', reason: `${ended.phase} ended with ${ended.exitCode ?? ended.signal ?? 'no code'}` }
}

/** What each class of failure is worth trying, in order; the plan of a build never goes beyond its list. */
const RECOVERIES: Record<FailureClass, readonly Recovery[]> = {
  network: ['retry', 'retry', 'retry', 'other-worker'],
  lockfile: ['unlocked-install'],
  'stale-cache': ['clean-build'],
  'missing-tool': ['other-worker'],
  'out-of-memory': ['less-parallel', 'other-worker'],
  'disk-full': ['clean-build', 'other-worker'],
  'timed-out': ['less-parallel'],
  test: ['retry'],
  compile: ['clean-build'],
  unknown: ['clean-build'],
}

/** Recoveries of all classes together: a build that fails in ever new ways ends too. */
const TRIES_MAX = 5

/**
 * @param tried what was tried in this build so far, with the class that it was meant for
 * @returns the next thing to try
 */
export function nextRecovery(failure: FailureClass, tried: readonly { failure: FailureClass; recovery: Recovery }[]): Recovery {
  if (tried.length >= TRIES_MAX) return 'give-up'
  const before = tried.filter((one) => one.failure === failure).length
  return RECOVERIES[failure][before] ?? 'give-up'
}
