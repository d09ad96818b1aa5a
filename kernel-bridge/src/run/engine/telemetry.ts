/**
 * Turns off onnxruntime's own telemetry, unless the user turned it on. Its packages for Linux and macOS send events about
 * models and runs to Microsoft, store a device id in the home folder and write to the temporary folder.
 */
import { MoEDebuggerError } from '../../base/errors';

/** onnxruntime reads it once, when its native library is loaded; `0` leaves telemetry on. */
const SWITCH = 'ORT_DISABLE_TELEMETRY';

/**
 * Sets the variable in the environment of the process, which native code reads. Call it before onnxruntime is loaded.
 * @throws MoEDebuggerError 'environment' when `process.env` is only a copy, as on worker threads and in Jest
 */
export function turnOffTelemetry(): void {
  process.env[SWITCH] ||= '1';
  if (environmentOfProcess()[SWITCH] === undefined) {
    throw new MoEDebuggerError(
      'environment',
      "onnxruntime's telemetry cannot be turned off here: process.env is a copy",
      { where: SWITCH, hint: `start the process with ${SWITCH}=1` }
    );
  }
}

/** The environment that native code reads. */
function environmentOfProcess(): Record<string, string | undefined> {
  // The types lack these options. A report would otherwise look up the names of open connections.
  const report = process.report as NodeJS.ProcessReport & {
    excludeNetwork?: boolean;
    excludeEnv?: boolean;
  };
  const { excludeNetwork, excludeEnv } = report;
  Object.assign(report, { excludeNetwork: true, excludeEnv: false });
  try {
    return (
      report.getReport() as {
        environmentVariables: Record<string, string | undefined>;
      }
    ).environmentVariables;
  } finally {
    Object.assign(report, { excludeNetwork, excludeEnv });
  }
}
