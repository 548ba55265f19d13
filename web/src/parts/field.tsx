// One field of a form: label, control, hint, and the error beside it where it belongs.
import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

export function Field(props: {
  label: string
  hint?: ComponentChildren
  error?: string | undefined
  wide?: boolean
  control: (attributes: { id: string; 'aria-invalid': boolean; 'aria-describedby': string }) => ComponentChildren
}) {
  const id = useId()
  return (
    <div class={`field ${props.wide ? 'wide' : ''} ${props.error ? 'wrong' : ''}`}>
      <label for={id}>{props.label}</label>
      {props.control({ id, 'aria-invalid': props.error !== undefined, 'aria-describedby': `${id}-note` })}
      <p id={`${id}-note`} class={props.error ? 'field-error' : 'hint'}>
        {props.error ?? props.hint}
      </p>
    </div>
  )
}
