// A view that comes in a file of its own. All of them are fetched when the page is idle: the node that serves the page
// may be gone when a view is first opened.
import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { asApiError } from '../transport/api-error.ts'
import { ProblemNote } from './notes.tsx'

export type LazyView<Props> = ComponentType<Props> & { fetch: () => Promise<ComponentType<Props>> }

export function lazyView<Props extends object>(load: () => Promise<ComponentType<Props>>): LazyView<Props> {
  let loaded: ComponentType<Props> | undefined
  let loading: Promise<ComponentType<Props>> | undefined
  function fetch(): Promise<ComponentType<Props>> {
    loading ??= load().then(
      (view) => (loaded = view),
      (thrown: unknown) => {
        loading = undefined
        throw thrown
      },
    )
    return loading
  }
  function View(props: Props) {
    const [, setState] = useState(0)
    const [error, setError] = useState<unknown>()
    useEffect(() => {
      // Even where it is there by now: it may have come between this view's first paint and this effect.
      fetch().then(() => setState(1), setError)
    }, [])
    if (error !== undefined)
      return <ProblemNote error={asApiError(error)} what="This part of the page could not be fetched. Reload when a node answers." />
    if (loaded === undefined) return <div class="loading" role="status" aria-label="Loading" />
    const Loaded = loaded
    return <Loaded {...props} />
  }
  return Object.assign(View, { fetch })
}
