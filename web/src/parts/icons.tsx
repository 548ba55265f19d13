// The few icons of the page, drawn here: a cloud for the house, and strokes of one weight for the rest.

const PATHS = {
  overview: 'M3 9.5 8 3l5 6.5M4.5 8v5h7V8',
  workers: 'M2.5 3.5h11v4h-11zM2.5 8.5h11v4h-11zM5 5.5h.1M5 10.5h.1',
  tasks: 'M2.5 4h1M6 4h7.5M2.5 8h1M6 8h7.5M2.5 12h1M6 12h7.5',
  mesh: 'M8 3.2v0M8 3.5 3.5 12M8 3.5 12.5 12M3.5 12h9',
  clock: 'M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM8 5v3.2l2.2 1.4',
  letter: 'M2.5 4h11v8h-11zM2.8 4.4 8 8.6l5.2-4.2',
  agent: 'M4 5.5h8v7H4zM8 5.5V3M6.3 8.5h.1M9.7 8.5h.1M6.5 10.8h3M2 8v2M14 8v2',
  terminal: 'M2.5 3.5h11v9h-11zM5 6.5 7 8.3 5 10.1M8.3 10.3h2.7',
  service: 'M3 8a5 5 0 0 1 8.6-3.5L13 6M13 2.8V6H9.8M13 8a5 5 0 0 1-8.6 3.5L3 10M3 13.2V10h3.2',
  build: 'M8 2 13.5 5v6L8 14 2.5 11V5zM2.8 5.2 8 8l5.2-2.8M8 8v5.7',
  repo: 'M4.5 5.5v5M4.5 5.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3zM4.5 13.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3zM11.5 6.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3zM11.5 6.5c0 3-3 3-7 4',
  spans: 'M2.5 4h6M5.5 8h8M4 12h4M10.5 12h3',
  lines: 'M2.5 3.5h11v9h-11zM4.5 6h4M4.5 8h7M4.5 10h5',
  question: 'M5.8 6a2.2 2.2 0 1 1 3.3 1.9c-.7.4-1.1.9-1.1 1.7M8 12.4h.1',
  plus: 'M8 3v10M3 8h10',
  coin: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM10 5.8C9.6 5 6.2 4.7 6.2 6.5 6.2 8.3 10 7.7 10 9.6 10 11.3 6.5 11.1 6 10.1M8 4v8',
  copy: 'M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z',
  check: 'M3 8.5 6.5 12 13 4.5',
  close: 'M4 4l8 8M12 4l-8 8',
  arrow: 'M3 8h10M9 4l4 4-4 4',
  down: 'M8 3v10M4 9l4 4 4-4',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.5 10.5l3.2 3.2',
  sun: 'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1.5v1.2M8 13.3v1.2M1.5 8h1.2M13.3 8h1.2M3.4 3.4l.8.8M11.8 11.8l.8.8M3.4 12.6l.8-.8M11.8 4.2l.8-.8',
  moon: 'M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5z',
  auto: 'M8 2.5a5.5 5.5 0 1 0 0 11zM8 2.5a5.5 5.5 0 0 1 0 11',
  keys: 'M2.5 4.5h11v7h-11zM5 7h.1M8 7h.1M11 7h.1M5.5 9.3h5',
} as const

export function Icon(props: { name: keyof typeof PATHS }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={PATHS[props.name]} />
      {props.name === 'mesh' && [
        <circle cx="8" cy="3.5" r="1.7" class="solid" />,
        <circle cx="3.5" cy="12" r="1.7" class="solid" />,
        <circle cx="12.5" cy="12" r="1.7" class="solid" />,
      ]}
    </svg>
  )
}

/** Three nodes that make one cloud. */
export function CloudMark(props: { size?: number }) {
  const size = props.size ?? 26
  return (
    <svg class="cloud" viewBox="0 0 32 24" width={size * (32 / 24)} height={size} aria-hidden="true">
      <path class="cloud-body" d="M8.5 21.5a6 6 0 0 1-1.1-11.9 8.8 8.8 0 0 1 16.9-1.4 6.7 6.7 0 0 1-.8 13.3z" />
      <path class="cloud-link" d="M10 15.6 16 10l6 5.6z" />
      <circle class="cloud-node" cx="16" cy="10" r="2.1" />
      <circle class="cloud-node" cx="10" cy="15.6" r="2.1" />
      <circle class="cloud-node" cx="22" cy="15.6" r="2.1" />
    </svg>
  )
}
