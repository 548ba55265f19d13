// Where the page is: path and query as one signal over the history API. Ordinary links work; a modified click stays the
// browser's.
import { type ReadonlySignal, signal } from '@preact/signals'

export type Place = { path: string; query: URLSearchParams }
export type Router = {
  place: ReadonlySignal<Place>
  go(to: string, options?: { replace?: boolean }): void
  stop(): void
}

export function createRouter(view: Window = window): Router {
  const read = (): Place => ({ path: view.location.pathname, query: new URLSearchParams(view.location.search) })
  const place = signal<Place>(read())
  const refresh = () => {
    place.value = read()
  }

  function go(to: string, options: { replace?: boolean } = {}): void {
    if (to === view.location.pathname + view.location.search) return
    const samePage = new URL(to, view.location.href).pathname === view.location.pathname
    view.history[options.replace ? 'replaceState' : 'pushState'](null, '', to)
    refresh()
    if (!samePage) view.scrollTo(0, 0)
  }

  function follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    const link = event.target instanceof Element ? event.target.closest('a') : null
    const href = link?.getAttribute('href')
    if (
      !link ||
      !href?.startsWith('/') ||
      href.startsWith('/api/') ||
      href === '/docs' ||
      link.target !== '' ||
      link.hasAttribute('download')
    )
      return
    event.preventDefault()
    go(href)
  }

  view.addEventListener('popstate', refresh)
  view.document.addEventListener('click', follow)
  return {
    place,
    go,
    stop() {
      view.removeEventListener('popstate', refresh)
      view.document.removeEventListener('click', follow)
    },
  }
}
