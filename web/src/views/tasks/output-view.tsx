// A task's output as it grows. It follows the end until a person scrolls up.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { TaskView } from '../../../../protocols/http/views.ts'
import { createOutput } from '../../models/output.ts'
import { hasEnded, lastAttempt } from '../../models/task-facts.ts'
import { Icon } from '../../parts/icons.tsx'
import { ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { OutputHead } from './output-head.tsx'
import { OutputLines } from './output-lines.tsx'

/** Within this of the end counts as being at the end: half a line of rounding. */
const AT_END_PX = 12

export function OutputView(props: { task: TaskView }) {
  const { preferences } = usePage()
  const { task } = props
  const [chosen, setChosen] = useState<number>()
  const attempt = task.attempts.find((candidate) => candidate.epoch === chosen) ?? lastAttempt(task)
  const started = attempt !== undefined
  const { output, readWhole } = useOutput(task, attempt?.epoch)
  const [following, setFollowing] = useState(true)
  const box = useRef<HTMLDivElement>(null)
  const blocks = output.blocks.value
  const last = blocks.at(-1)?.lines.value
  useLayoutEffect(() => {
    if (following && box.current) box.current.scrollTop = box.current.scrollHeight
  }, [last, blocks, following])

  function scrolled() {
    const element = box.current
    if (element) setFollowing(element.scrollHeight - element.scrollTop - element.clientHeight <= AT_END_PX)
  }

  return (
    <section class="output" aria-labelledby="output">
      <OutputHead task={task} attempt={attempt} output={output} choose={setChosen} />
      {output.error.value && <ProblemNote error={output.error.value} what="The output could not be read." />}
      <div
        class={`lines ${preferences.wrapOutput.value ? 'wrap' : ''} ${started ? '' : 'not-started'} ${hasEnded(task.state) ? 'ended' : ''}`}
        ref={box}
        onScroll={scrolled}
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label="Task output"
      >
        <OutputLines output={output} started={started} readWhole={readWhole} />
      </div>
      {!following && (
        <button type="button" class="to-end" onClick={() => setFollowing(true)}>
          <Icon name="down" /> {hasEnded(task.state) ? 'To the end' : 'Follow'}
        </button>
      )}
    </section>
  )
}

/** Reads the output of one attempt for as long as the view stands; another attempt is another output. */
function useOutput(task: TaskView, epoch: number | undefined) {
  const { transport } = usePage().dashboard
  const [whole, setWhole] = useState(false)
  const output = useMemo(
    () => createOutput((from, follow, signal) => transport.log(task.id, { from, follow, attempt: epoch ?? 0 }, signal)),
    [task.id, epoch],
  )
  useEffect(() => {
    if (epoch === undefined) return undefined
    const newest = epoch === lastAttempt(task)?.epoch
    const ended = task.attempts.find((attempt) => attempt.epoch === epoch)?.endedAt !== undefined
    return output.open({ size: newest ? task.result?.log?.size : undefined, follow: !ended, whole })
    // An attempt that ends while it is followed must not be read again: its end is no reason to reopen.
  }, [output, epoch, whole])
  return { output, readWhole: () => setWhole(true) }
}
