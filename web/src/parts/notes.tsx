// Ways to say something to the person: an error with its cure, an empty place with the next command, a callout.
import type { ComponentChildren } from 'preact'
import type { ApiError } from '../transport/api-error.ts'
import { CommandLine } from './copy.tsx'

export function ProblemNote(props: { error: ApiError; what?: string }) {
  return (
    <div class="note note-bad" role="alert">
      <p>
        {props.what && <strong>{props.what} </strong>}
        {props.error.message}
      </p>
      {props.error.cure && <p class="cure">{props.error.cure}</p>}
    </div>
  )
}

export function Callout(props: { tone: 'info' | 'warn' | 'bad'; title: ComponentChildren; children?: ComponentChildren }) {
  return (
    <div class={`note note-${props.tone}`}>
      <p>
        <strong>{props.title}</strong>
      </p>
      {props.children}
    </div>
  )
}

export function EmptyState(props: { title: string; children?: ComponentChildren; command?: string }) {
  return (
    <div class="empty">
      <p class="empty-title">{props.title}</p>
      {props.children}
      {props.command && <CommandLine command={props.command} />}
    </div>
  )
}
