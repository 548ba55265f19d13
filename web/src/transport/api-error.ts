// A refusal of the API, or of the way to it, in the words that people read. `code` is what programs compare.
import type { Problem } from '../../../protocols/http/views.ts'

export class ApiError extends Error {
  readonly code: string
  readonly status: number
  readonly cure: string | undefined
  /** What is wrong with which field of the body, by its path (`env.PATH`, `argv.0`). */
  readonly fields: ReadonlyMap<string, string>

  constructor(problem: { code: string; detail: string; status: number; cure?: string | undefined; errors?: Problem['errors'] }) {
    super(problem.detail)
    this.name = 'ApiError'
    this.code = problem.code
    this.status = problem.status
    this.cure = problem.cure
    this.fields = new Map((problem.errors ?? []).map((error) => [error.path.replace(/^[/.]/, '').replaceAll('/', '.'), error.message]))
  }
}

/** Reads a problem document; an answer of another kind is described as what it is. */
export async function problemOf(response: Response, what: string): Promise<ApiError> {
  const text = await response.text()
  try {
    const body = JSON.parse(text) as Partial<Problem>
    if (typeof body.code === 'string' && typeof body.detail === 'string') {
      return new ApiError({ code: body.code, detail: body.detail, status: response.status, cure: body.cure, errors: body.errors })
    }
  } catch {
    // Not JSON: something between us and the node answered. Said below with what is known.
  }
  return new ApiError({
    code: `http-${response.status}`,
    detail: `${what} was answered with ${response.status} ${response.statusText}.`,
    status: response.status,
  })
}

/** Whatever was thrown, as an ApiError. */
export function asApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown
  return new ApiError({ code: 'unexpected', detail: thrown instanceof Error ? thrown.message : String(thrown), status: 0 })
}
