// The lines of an output in blocks; a block that is out of sight costs no layout. Text nodes only.
import type { Output, OutputBlock } from '../../models/output.ts'
import { OUTPUT_LINES_MAX } from '../../models/output.ts'
import { bytesText, clockText } from '../../models/text/durations.ts'

export function OutputLines(props: { output: Output; started: boolean; readWhole: () => void }) {
  const { output } = props
  const blocks = output.blocks.value
  const skipped = output.skippedBytes.value
  const dropped = output.droppedLines.value
  const ended = output.state.value === 'ended'
  return (
    <>
      {skipped > 0 && (
        <p class="omitted">
          The first {bytesText(skipped)} are not loaded.{' '}
          <button type="button" class="small" onClick={props.readWhole}>
            Read from the start
          </button>
        </p>
      )}
      {dropped > 0 && (
        <p class="omitted">
          {dropped.toLocaleString('en')} earlier lines are no longer held here (the page keeps {OUTPUT_LINES_MAX.toLocaleString('en')}); the
          download has them all.
        </p>
      )}
      {blocks.map((block) => (
        <Block key={block.key} block={block} />
      ))}
      {blocks.length === 0 && <p class="omitted">{emptyText(props.started, ended)}</p>}
    </>
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
          {/* An empty line keeps its height. */}
          <span class="line-text">{line.text === '' ? '\u200b' : line.text}</span>
        </div>
      ))}
    </div>
  )
}

function emptyText(started: boolean, ended: boolean): string {
  if (!started) return 'The output appears here when the task starts.'
  return ended ? 'The task wrote no output.' : 'No output yet.'
}
