import type { Finding, FindingsState, Severity } from 'moe-debugger/protocol';
import { ToolModel } from '../tools/model';

/** Findings with the state of their view: the listed severities and the open finding. */
export class FindingsModel extends ToolModel<FindingsState, never> {
  /** Findings of the listed severities, errors first. */
  get listed(): readonly Finding[] {
    return this.state.found.findings.filter(
      ({ severity }) => !this._hidden.has(severity)
    );
  }

  count(severity: Severity): number {
    return this.state.found.findings.filter(own => own.severity === severity)
      .length;
  }

  isListed(severity: Severity): boolean {
    return !this._hidden.has(severity);
  }

  toggle(severity: Severity): void {
    if (!this._hidden.delete(severity)) {
      this._hidden.add(severity);
    }
    this.emit();
  }

  /** Whether the evidence of the finding is shown. */
  isOpen(finding: Finding): boolean {
    return this._open === finding;
  }

  /** One is open at a time: evidence is long. */
  open(finding: Finding | undefined): void {
    this._open = finding;
    this.emit();
  }

  private _hidden = new Set<Severity>();
  private _open: Finding | undefined;
}
