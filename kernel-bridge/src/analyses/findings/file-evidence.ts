import { openTrace } from '../../files/trace/read-trace';
import { TraceEvidence } from './trace-evidence';

/**
 * Gathers the evidence of a Parquet trace with one sample at a time in memory.
 * @throws MoEDebuggerError 'input' when the file is not a trace or is damaged
 */
export async function traceFileEvidence(
  path: string
): Promise<{ evidence: TraceEvidence; model: string }> {
  const file = await openTrace(path);
  try {
    const evidence = new TraceEvidence();
    for await (const sample of file.samples()) {
      evidence.add(sample);
    }
    evidence.integrity = file.integrity;
    evidence.cards = file.cards;
    return { evidence, model: file.metadata.model };
  } finally {
    file.close();
  }
}
