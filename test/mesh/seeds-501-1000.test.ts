// The second half of the seeds of CI.
import { describeSeeds } from './describe-seeds.ts'

describeSeeds(501, 500)
