// A task's output as it grows. It follows the end until a person scrolls up, and says how much is below.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { TaskView } from '../../../../protocols/http.ts'
import { type OutputBlock, OUTPUT_LINES_MAX, createOutput } from '../../models/output.ts'
import { hasEnded, lastAttempt } from '../../models/task-facts.ts'
import { bytesText, clockText } from '../../models/text/durations.ts'
import { Icon } from '../../parts/icons.tsx'
import { ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'

/** Within this of the end counts as being at the end: half a line of rounding. */
const AT_END_PX = 12

export function OutputView(props: { task: TaskView }) {
  const { dashboard, preferences } = usePage()
  const { task } = props
  const [whole, setWhole] = useState(false)
  const [chosen, setChosen] = useState<number>()
  const [following, setFollowing] = useState(true)
  const box = useRef<HTMLDivElement>(null)
  const newest = lastAttempt(task)
  const attempt = task.attempts.find((candidate) => candidate.epoch === chosen) ?? newest
  const epoch = attempt?.epoch ?? 0
  const started = attempt !== undefined
  const output = useMemo(() => createOutput((from, follow, signal) => dashboard.transport.log(task.id, { from, follow, attempt: epoch }, signal)), [task.id, epoch])
  useEffect(() => {
    if (!started) return
    const size = attempt === newest ? task.result?.log?.size : undefined
    return output.open({ size, follow: attempt?.endedAt === undefined, whole })
    // An attempt that ends while it is followed must not be read again: its end is no reason to reopen.
  }, [output, started, whole])

  const blocks = output.blocks.value
  const last = blocks.at(-1)?.lines.value
  useLayoutEffect(() => {
    if (following && box.current) box.current.scrollTop = box.current.scrollHeight
  }, [last, blocks, following])

  function scrolled() {
    const element = box.current
    if (!element) return
    setFollowing(element.scrollHeight - element.scrollTop - element.clientHeight <= AT_END_PX)
  }

  const state = output.state.value
  const skipped = output.skippedBytes.value
  const dropped = output.droppedLines.value
  return (
    <section class="output" aria-labelledby="output">
      <header>
        <h2 id="output">Output</h2>
        <span class="muted number">{output.lineCount.value > 0 && `${output.lineCount.value.toLocaleString('en')} lines`}</span>
        <span class="muted" role="status">
          {state === 'reconnecting' ? 'connection lost, trying again' : state === 'reading' && started && attempt.endedAt === undefined ? 'live' : ''}
        </span>
        <span class="spacer" />
        {task.attempts.length > 1 && <AttemptChoice task={task} epoch={epoch} choose={setChosen} />}
        <label class="check">
          <input type="checkbox" checked={preferences.wrapOutput.value} onChange={(event) => (preferences.wrapOutput.value = event.currentTarget.checked)} /> Wrap
        </label>
        {started && (
          <a class="button small" href={dashboard.transport.logAddress(task.id, epoch)} download={`${task.id}.log`}>
            Download
          </a>
        )}
      </header>
      {output.error.value && <ProblemNote error={output.error.value} what="The output could not be read." />}
      <div class={`lines ${preferences.wrapOutput.value ? 'wrap' : ''} ${started ? '' : 'not-started'}`} ref={box} onScroll={scrolled} tabIndex={0} role="log" aria-live="off" aria-label="Task output">
        {skipped > 0 && (
          <p class="omitted">
            The first {bytesText(skipped)} are not loaded.{' '}
            <button type="button" class="small" onClick={() => setWhole(true)}>
              Read from the start
            </button>
          </p>
        )}
        {dropped > 0 && (
          <p class="omitted">
            {dropped.toLocaleString('en')} earlier lines are no longer held here (the page keeps {OUTPUT_LINES_MAX.toLocaleString('en')}); the download has them all.
          </p>
        )}
        {blocks.map((block) => (
          <Block key={block.key} block={block} />
        ))}
        {blocks.length === 0 && <p class="omitted">{!started ? 'The output appears here when the task starts.' : state === 'ended' ? 'The task wrote no output.' : 'No output yet.'}</p>}
      </div>
      {!following && (
        <button type="button" class="to-end" onClick={() => setFollowing(true)}>
          <Icon name="down" /> {hasEnded(task.state) ? 'To the end' : 'Follow'}
        </button>
      )}
    </section>
  )
}

/** The newest attempt is followed unless an earlier one is chosen. */
function AttemptChoice(props: { task: TaskView; epoch: number; choose: (epoch: number | undefined) => void }) {
  const { attempts } = props.task
  function choose(epoch: number) {
    props.choose(epoch === attempts.at(-1)?.epoch ? undefined : epoch)
  }
  return (
    <select class="small" aria-label="Attempt whose output is shown" value={props.epoch} onChange={(event) => choose(Number(event.currentTarget.value))}>
      {attempts.map((attempt) => (
        <option key={attempt.epoch} value={attempt.epoch}>
          {attempt.workerName}, {attempt.outcome}, epoch {attempt.epoch}
        </option>
      ))}
    </select>
  )
}

function Block(props: { block: OutputBlock }) {
  return (
    <div class="block">
      {props.block.lines.value.map((line) => (
        <div key={line.number} class={`line line-${line.stream}`} title={clockText(line.time)}>
          <span class="gutter" aria-hidden="true">
            {line.number}
          </span>
          {line.stream !== 'stdout' && <span class="off-screen">{line.stream}: </span>}
          <span class="line-text">{line.text === '' ? '\u200b' : line.text}</span>
        </div>
      ))}
    </div>
  )
}
