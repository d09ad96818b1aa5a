/** Reports of traces; what draws them is loaded at the first one. */
import { createRequire } from 'node:module';
import type { ReportHead, ReportOptions } from './trace-report';
import type * as Report from './trace-report';
import type { RoutingSample } from '../../base/protocol';

export type { ReportSection } from '../../show/page/page';
export type { ReportHead, ReportOptions } from './trace-report';

const load = createRequire(__filename);

/** A report to feed with samples. */
export function newReport(): Report.TraceReport {
  const { TraceReport } = load('./trace-report') as typeof Report;
  return new TraceReport();
}

/** The HTML of a report of samples that are at hand. */
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
