// The keys of the page, and the switch that turns them off.
import type { Shortcut } from '../../models/page/shortcuts.ts'
import { Modal } from '../../parts/modal.tsx'
import { usePage } from '../../parts/page-context.ts'

export function ShortcutsDialog(props: { shortcuts: readonly Shortcut[]; onClose: () => void }) {
  const { preferences } = usePage()
  return (
    <Modal title="Keyboard shortcuts" onClose={props.onClose} narrow>
      <dl class="keys">
        {props.shortcuts.map((shortcut) => (
          <div key={shortcut.keys}>
            <dt>
              {shortcut.keys.split(' ').map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{shortcut.does}</dd>
          </div>
        ))}
      </dl>
      <label class="check">
        <input
          type="checkbox"
          checked={preferences.shortcuts.value}
          onChange={(event) => (preferences.shortcuts.value = event.currentTarget.checked)}
        />
        Shortcuts are on in this browser
      </label>
    </Modal>
  )
}
