// Ctrl+K: go anywhere and do anything by typing. A combobox: the field keeps the focus, the arrows move through the list.
import { useId, useState } from 'preact/hooks'
import { type Choice, chosen } from '../../models/page/palette.ts'
import { PALETTE_KEYS, type Shortcut } from '../../models/page/shortcuts.ts'
import { titleOf } from '../../models/task-facts.ts'
import { Modal } from '../../parts/modal.tsx'
import { type PageModels, usePage } from '../../parts/page-context.ts'

export function Palette(props: { shortcuts: readonly Shortcut[]; onClose: () => void }) {
  const page = usePage()
  const [typed, setTyped] = useState('')
  const [at, setAt] = useState(0)
  const id = useId()
  const choices = chosen(choicesOf(page, props.shortcuts), typed)
  const marked = Math.min(at, choices.length - 1)
  const take = (choice: Choice | undefined) => {
    if (choice === undefined) return
    props.onClose()
    choice.run()
  }
  function press(event: KeyboardEvent) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step !== undefined) setAt((marked + step + choices.length) % Math.max(1, choices.length))
    else if (event.key === 'Enter') take(choices[marked])
    else return
    event.preventDefault()
  }
  return (
    <Modal title="Go to, or do" onClose={props.onClose} narrow>
      <input
        type="text"
        class="palette-field"
        role="combobox"
        aria-label="Page, action, worker or task"
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={marked < 0 ? undefined : `${id}-${marked}`}
        aria-autocomplete="list"
        autocomplete="off"
        autofocus
        placeholder="Page, action, worker or task"
        value={typed}
        onInput={(event) => {
          setTyped(event.currentTarget.value)
          setAt(0)
        }}
        onKeyDown={press}
      />
      <ul class="palette" role="listbox" id={`${id}-list`} aria-label="Matches">
        {choices.map((choice, index) => (
          <li
            key={choice.key}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === marked}
            onClick={() => take(choice)}
            onMouseMove={() => setAt(index)}
          >
            <span class="palette-title">{choice.title}</span>
            <span class="muted">{choice.hint}</span>
          </li>
        ))}
      </ul>
      {choices.length === 0 && (
        <p class="muted quiet-line" role="status">
          Nothing of that name is here. Press Escape, then / to search all tasks.
        </p>
      )}
    </Modal>
  )
}

function choicesOf({ dashboard, router }: PageModels, shortcuts: readonly Shortcut[]): Choice[] {
  return [
    ...shortcuts
      .filter(({ keys }) => keys !== PALETTE_KEYS)
      .map(
        ({ keys, does, run }): Choice => ({
          key: keys,
          kind: does.startsWith('Go to') ? 'page' : 'action',
          title: does.replace(/^Go to /, ''),
          hint: keys,
          run,
        }),
      ),
    ...dashboard.fleet.workers.value.map(
      ({ peerId, name }): Choice => ({
        key: peerId,
        kind: 'worker',
        title: name,
        hint: 'worker',
        run: () => router.go(`/workers/${peerId}`),
      }),
    ),
    ...dashboard.tasks.all.value.map(
      (task): Choice => ({
        key: task.id,
        kind: 'task',
        title: titleOf(task),
        hint: `task, ${task.state}`,
        run: () => router.go(`/tasks/${task.id}`),
      }),
    ),
  ]
}
