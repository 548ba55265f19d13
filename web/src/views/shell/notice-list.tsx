// What the last actions did, in the corner.
import { Icon } from '../../parts/icons.tsx'
import { usePage } from '../../parts/page-context.ts'

export function NoticeList() {
  const { notices } = usePage()
  return (
    <ol class="notices" aria-live="polite">
      {notices.list.value.map((notice) => (
        <li key={notice.id} class={`notice notice-${notice.tone}`}>
          <div>
            <p>{notice.href ? <a href={notice.href}>{notice.text}</a> : notice.text}</p>
            {notice.detail && <p class="cure">{notice.detail}</p>}
          </div>
          <button type="button" class="quiet icon-only" aria-label="Dismiss" onClick={() => notices.dismiss(notice.id)}>
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ol>
  )
}
