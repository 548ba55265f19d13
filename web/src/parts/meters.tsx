// Amounts at a glance: slots as pips, shares as bars. The number always stands beside the picture.

/** More pips than this say less than a bar. */
const PIPS_MAX = 16

export function Slots(props: { slots: number; freeSlots: number }) {
  const used = Math.max(0, props.slots - props.freeSlots)
  const text = `${used} of ${props.slots} slots used`
  return (
    <span class="slots" title={text}>
      {props.slots > 0 && props.slots <= PIPS_MAX ? (
        <span class="pips" aria-hidden="true">
          {Array.from({ length: props.slots }, (_, at) => (
            <i key={at} class={at < used ? 'used' : ''} />
          ))}
        </span>
      ) : (
        <Bar share={props.slots === 0 ? 0 : used / props.slots} />
      )}
      <span class="number" aria-hidden="true">
        {used}/{props.slots}
      </span>
      <span class="off-screen">{text}</span>
    </span>
  )
}

export function Bar(props: { share: number; tone?: 'busy' | 'calm' }) {
  const percent = `${Math.round(Math.min(1, Math.max(0, props.share)) * 100)}%`
  return (
    <span class={`bar ${props.tone ?? ''}`} aria-hidden="true">
      <i style={{ inlineSize: percent }} />
    </span>
  )
}

export function Progress(props: { percent: number | undefined; label: string }) {
  return (
    <span class="progress">
      <span class="progress-label">
        {props.label}
        {props.percent !== undefined && <span class="number">, {Math.round(props.percent)}%</span>}
      </span>
      <progress aria-label={props.label} {...(props.percent === undefined ? {} : { value: props.percent, max: 100 })} />
    </span>
  )
}
