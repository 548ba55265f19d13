// Publishing a task: the command first, the rest behind one fold, what it means as a command line below, and every
// refusal of the node beside the field that it is about.
import type { TargetedEvent } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { EMPTY_FIELDS, type FieldErrors, type PublishFields, draftFrom, fieldErrors } from '../../models/publish-form.ts'
import { publishCommand } from '../../models/task-facts.ts'
import { splitCommand } from '../../models/text/command-words.ts'
import { CopyButton } from '../../parts/copy.tsx'
import { Field } from '../../parts/field.tsx'
import { Modal } from '../../parts/modal.tsx'
import { ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { ApiError, asApiError } from '../../transport/api-error.ts'

type TextField = Exclude<keyof PublishFields, 'shell'>

const MORE: readonly { field: TextField; label: string; hint: string; wide?: boolean; list?: 'workers' }[] = [
  { field: 'repo', label: 'Repository', hint: 'https address; cloned before the command runs', wide: true },
  { field: 'ref', label: 'Ref', hint: 'branch, tag or commit' },
  { field: 'worker', label: 'Worker', hint: 'only on this one', list: 'workers' },
  { field: 'pool', label: 'Pool', hint: 'only in this pool' },
  { field: 'skills', label: 'Skills', hint: 'all of these, by space' },
  { field: 'roles', label: 'Roles', hint: 'all of these, by space' },
  { field: 'labels', label: 'Labels', hint: 'KEY=VALUE, by space' },
  { field: 'timeout', label: 'Time limit', hint: 'such as 30s, 15m, 2h' },
  { field: 'delay', label: 'Delay', hint: 'not before, such as 10m' },
]

export function PublishDialog(props: { onClose: () => void }) {
  const { dashboard } = usePage()
  const { fields, errors, problem, busy, draft, form, set, publish } = usePublishing(props.onClose)
  const text =
    (field: TextField, more: { placeholder?: string; list?: string; inputMode?: 'numeric'; autofocus?: boolean } = {}) =>
    (attributes: object) => (
      <input
        {...attributes}
        {...more}
        type="text"
        autocomplete="off"
        spellcheck={false}
        value={fields[field]}
        onInput={(event) => set(field, event.currentTarget.value)}
      />
    )

  return (
    <Modal title="Publish a task" onClose={props.onClose}>
      <form ref={form} onSubmit={(event) => void publish(event)} noValidate>
        <div class="form">
          <CommandField fields={fields} error={errors.command} set={set} />
          <Field label="Name" hint="how it is shown; optional" error={errors.name} control={text('name')} />
          <Field
            label="Priority"
            hint="9 is first, 0 is last"
            error={errors.priority}
            control={text('priority', { inputMode: 'numeric' })}
          />
          <Field
            label="Attempts"
            hint="at most; a lost worker uses none"
            error={errors.attempts}
            control={text('attempts', { inputMode: 'numeric' })}
          />
        </div>
        <details class="more-fields" open={MORE.some(({ field }) => errors[field] !== undefined) || errors.env !== undefined}>
          <summary>Where, when and with what</summary>
          <div class="form">
            {MORE.map(({ field, label, hint, wide, list }) => (
              <Field
                key={field}
                label={label}
                hint={hint}
                wide={wide ?? false}
                error={errors[field]}
                control={text(field, list ? { list } : {})}
              />
            ))}
            <EnvironmentField value={fields.env} error={errors.env} set={set} />
          </div>
          <datalist id="workers">
            {dashboard.fleet.workers.value.map((worker) => (
              <option key={worker.peerId} value={worker.name} />
            ))}
          </datalist>
        </details>
        {problem && <ProblemNote error={problem} what="Not published." />}
        <footer class="modal-foot">
          <CopyButton class="labelled" text={publishCommand(draft)} what="as a command">
            Copy as command
          </CopyButton>
          <span class="spacer" />
          <button type="button" onClick={props.onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={busy}>
            Publish
          </button>
        </footer>
      </form>
    </Modal>
  )
}

function usePublishing(onClose: () => void) {
  const { dashboard, notices, router } = usePage()
  const [fields, setFields] = useState<PublishFields>(EMPTY_FIELDS)
  const [errors, setErrors] = useState<FieldErrors>({})
  const [problem, setProblem] = useState<ApiError>()
  const [busy, setBusy] = useState(false)
  const { draft, errors: wrong } = draftFrom(fields)
  const form = useRef<HTMLFormElement>(null)
  const refused = Object.keys(errors).length
  useEffect(() => {
    if (refused > 0) form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus()
    // After a refusal only: while its field is corrected, the focus stays where the person is.
  }, [refused > 0, busy])

  const set = (field: keyof PublishFields, value: string | boolean) => {
    setFields((before) => ({ ...before, [field]: value }))
    setErrors(({ [field]: _, ...rest }) => rest)
  }

  async function publish(event: TargetedEvent<HTMLFormElement>) {
    event.preventDefault()
    setErrors(wrong)
    setProblem(undefined)
    if (Object.keys(wrong).length > 0) return
    setBusy(true)
    try {
      const { id, durability } = await dashboard.transport.publish(draft)
      notices.done(durability === 'local' ? 'Published here; no majority of keepers has it yet.' : 'Published.')
      onClose()
      router.go(`/tasks/${id}`)
    } catch (thrown) {
      const error = asApiError(thrown)
      const placed = fieldErrors(error.fields)
      setErrors(placed.errors)
      const allPlaced = error.fields.size > 0 && placed.rest.length === 0
      setProblem(
        allPlaced
          ? undefined
          : new ApiError({ code: error.code, detail: [error.message, ...placed.rest].join(' '), status: error.status, cure: error.cure }),
      )
      setBusy(false)
    }
  }
  return { fields, errors, problem, busy, draft, form, set, publish }
}

type SetField = (field: keyof PublishFields, value: string | boolean) => void

function EnvironmentField(props: { value: string; error: string | undefined; set: SetField }) {
  return (
    <Field
      label="Environment"
      hint="NAME=value, one a line. Everyone in the mesh can read it: no secrets."
      wide
      error={props.error}
      control={(attributes) => (
        <textarea
          {...attributes}
          rows={2}
          spellcheck={false}
          value={props.value}
          onInput={(event) => props.set('env', event.currentTarget.value)}
        />
      )}
    />
  )
}

function CommandField(props: { fields: PublishFields; error: string | undefined; set: SetField }) {
  const { fields, set } = props
  const words = splitCommand(fields.command)
  const argv = fields.shell ? ['sh', '-c', fields.command] : words.argv
  return (
    <div class="field wide">
      <Field
        label="Command"
        wide
        error={props.error}
        hint={
          !fields.shell && words.shellFeature !== undefined
            ? `${words.shellFeature} means something only to a shell. Run it with sh -c, or quote it.`
            : undefined
        }
        control={(attributes) => (
          <textarea
            {...attributes}
            class="command-input"
            rows={fields.shell ? 4 : 2}
            autofocus
            spellcheck={false}
            placeholder={fields.shell ? 'npm ci && npm test' : 'npm test'}
            value={fields.command}
            onInput={(event) => set('command', event.currentTarget.value)}
          />
        )}
      />
      <div class="argv">
        <label class="check">
          <input type="checkbox" checked={fields.shell} onChange={(event) => set('shell', event.currentTarget.checked)} /> Run with{' '}
          <code>sh -c</code>
        </label>
        {fields.command.trim() !== '' && (
          <ol class="words" aria-label="The words of the command as they will be run">
            {argv.map((word, at) => (
              <li key={at}>
                <code>{word === '' ? '(empty)' : word}</code>
              </li>
            ))}
          </ol>
        )}
      </div>
    </div>
  )
}
