// Names and values in two columns; a value that is not there takes its name with it.
import type { ComponentChildren } from 'preact'

export function Facts(props: { of: readonly (readonly [name: string, value: ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {props.of
        .filter(([, value]) => value !== undefined && value !== null && value !== '' && value !== false)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  )
}

export function Chips(props: { of: readonly string[]; kind: string }) {
  if (props.of.length === 0) return null
  return (
    <ul class="chips" aria-label={props.kind}>
      {props.of.map((word) => (
        <li key={word} title={props.kind}>
          {word}
        </li>
      ))}
    </ul>
  )
}

export function PageHead(props: {
  title: ComponentChildren
  lead?: ComponentChildren
  crumb?: { href: string; text: string }
  children?: ComponentChildren
}) {
  return (
    <header class="page-head">
      <div class="page-title">
        {props.crumb && (
          <a class="crumb" href={props.crumb.href}>
            {props.crumb.text}
          </a>
        )}
        <h1>{props.title}</h1>
        {props.lead && <div class="lead">{props.lead}</div>}
      </div>
      {props.children && <div class="actions">{props.children}</div>}
    </header>
  )
}
