// How services may be called, in records as in requests. Imports nothing of Node: the dashboard reads it too.
import * as z from 'zod'

export const serviceName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'a name: small letters, digits and -, at most 40')
