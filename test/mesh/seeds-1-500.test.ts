// The first half of the seeds of CI; the second half runs beside it in another process.
import { describeSeeds } from './describe-seeds.ts'

describeSeeds(1, 500)
