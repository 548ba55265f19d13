// The commands of a build in their order: how each ended, and what was done where one failed.
import type { BuildDetail } from '../../../../protocols/builds/build-views.ts'
import { type BuildTry, recoveryText, tryCommand, tryEnd, tryOutcome } from '../../models/code/build-facts.ts'
import { hasEnded } from '../../models/task-facts.ts'
import { inertText } from '../../models/text/inert-text.ts'
import { StateMark } from '../../parts/state-mark.tsx'
import { Lasting } from '../../parts/times.tsx'

export function BuildSteps(props: { build: BuildDetail }) {
  const { tries, state } = props.build
  const recoveries = recoveryText(tries)
  return (
    <section aria-labelledby="steps">
      <h2 id="steps">
        Steps <span class="muted number">{[tries.length > 0 && tries.length, recoveries].filter(Boolean).join(', ')}</span>
      </h2>
      {tries.length === 0 ? (
        <p class="muted quiet-line">
          {hasEnded(state)
            ? 'It left no report: it was ended before, or its files are gone.'
            : 'The report of its commands comes when it ends.'}
        </p>
      ) : (
        <table class="table steps">
          <thead>
            <tr>
              <th>Outcome</th>
              <th>Command</th>
              <th>Phase</th>
              <th class="right">Took</th>
            </tr>
          </thead>
          <tbody>
            {tries.map((one, at) => (
              <Step key={at} one={one} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}

function Step(props: { one: BuildTry }) {
  const { one } = props
  const outcome = tryOutcome(one)
  return (
    <tr>
      <td class="cell-state">
        <StateMark state={outcome} />
      </td>
      <td class="main">
        <code class="break">{tryCommand(one)}</code>
        {outcome === 'failed' && (
          <span class="row-text">
            <span class="bad">{tryEnd(one)}</span>
          </span>
        )}
        {one.recovery !== undefined && <span class="row-text">Tried again: {inertText(one.recovery)}</span>}
      </td>
      <td data-name="Phase">
        {inertText(one.phase)}
        {one.dir !== '' && one.dir !== '.' && <span class="muted"> in {inertText(one.dir)}</span>}
      </td>
      <td data-name="Took" class="right number">
        <Lasting from={one.startedAt} to={one.endedAt} />
      </td>
    </tr>
  )
}
