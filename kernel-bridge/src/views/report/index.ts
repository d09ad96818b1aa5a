/** Reports of traces; the drawing code is loaded with the first one. */
import { lazily } from '../../base/lazily';
import type { ReportHead, ReportOptions } from './trace-report';
import type { RoutingSample } from '../../base/protocol';

export type { ReportSection } from '../../show/page/page';
export type { ReportHead, ReportOptions } from './trace-report';

/** A report to add samples to. */
export const newReport = lazily(
  () => require('./trace-report') as typeof import('./trace-report'),
  'newReport'
);

/** The HTML of a report of samples in memory. */
export function reportOf(
  samples: Iterable<RoutingSample>,
  head: ReportHead,
  options?: ReportOptions
): Promise<string> {
  const report = newReport();
  for (const sample of samples) {
    report.add(sample);
  }
  return report.html(head, options);
}
