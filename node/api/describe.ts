// Writes a route's part of the OpenAPI document beside the route itself: one schema checks and documents.
import type { MiddlewareHandler } from 'hono'
import { describeRoute, resolver } from 'hono-openapi'
import * as z from 'zod'
import { problem } from '../../protocols/http/views.ts'

export type Operation = {
  id: string
  tag: string
  summary: string
  query?: z.ZodObject
  body?: z.ZodType
  /** Where the body is not JSON. */
  bodyType?: string
  /** Status to what comes with it; `type` where it is not JSON, `also` a type of plain text that can be asked for instead. */
  answers: Record<number, { text: string; schema?: z.ZodType; type?: string; also?: string }>
  /** Answers without a token. */
  open?: boolean
}

type DescribeOptions = Parameters<typeof describeRoute>[0]

export function describe(operation: Operation): MiddlewareHandler {
  const responses: Record<string, unknown> = {
    default: { description: 'A problem document', content: { 'application/problem+json': { schema: resolver(problem) } } },
  }
  for (const [status, answer] of Object.entries(operation.answers)) {
    const type = answer.type ?? 'application/json'
    const schema = answer.schema === undefined ? { type: 'string' } : resolver(answer.schema)
    responses[status] =
      answer.schema === undefined && answer.type === undefined
        ? { description: answer.text }
        : {
            description: answer.text,
            content: { [type]: { schema }, ...(answer.also === undefined ? {} : { [answer.also]: { schema: { type: 'string' } } }) },
          }
  }
  return describeRoute({
    operationId: operation.id,
    tags: [operation.tag],
    summary: operation.summary,
    ...(operation.query === undefined ? {} : { parameters: parametersOf(operation.query) }),
    ...(operation.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { [operation.bodyType ?? 'application/json']: { schema: resolver(operation.body, { io: 'input' }) } },
          },
        }),
    ...(operation.open === true ? { security: [] } : {}),
    responses,
  } as DescribeOptions)
}

function parametersOf(query: z.ZodObject) {
  const schema = z.toJSONSchema(query, { io: 'input', unrepresentable: 'any' })
  return Object.entries(schema.properties ?? {}).map(([name, property]) => ({
    name,
    in: 'query' as const,
    required: false,
    schema: property,
  }))
}
