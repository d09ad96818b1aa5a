import {
  DOMWidgetModel,
  DOMWidgetView,
  type Dict,
  type ExportMap
} from '@jupyter-widgets/base';
import { WIDGET_MODULE, WIDGET_MODULE_VERSION } from 'moe-debugger/protocol';
import type { IMoEContext } from '../../tokens';

/** The widget classes of a threshold slider. */
export function createThresholdClasses({ trans }: IMoEContext): ExportMap {
  /** The state that the kernel and all views of the slider share. */
  class ThresholdModel extends DOMWidgetModel {
    override defaults(): Dict<unknown> {
      return {
        ...super.defaults(),
        _model_name: 'ThresholdModel',
        _model_module: WIDGET_MODULE,
        _model_module_version: WIDGET_MODULE_VERSION,
        _view_name: 'ThresholdView',
        _view_module: WIDGET_MODULE,
        _view_module_version: WIDGET_MODULE_VERSION,
        value: 0
      };
    }
  }

  class ThresholdView extends DOMWidgetView {
    override render(): void {
      super.render();
      const slider = document.createElement('input');
      Object.assign(slider, { type: 'range', min: 0, max: 1, step: 0.01 });
      slider.setAttribute('aria-label', trans.__('Threshold'));
      slider.addEventListener('input', () => {
        this.model.set('value', slider.valueAsNumber);
        this.model.save_changes();
      });
      const draw = () => {
        slider.value = String(this.model.get('value'));
      };
      this.listenTo(this.model, 'change:value', draw);
      draw();
      this.el.append(slider);
    }
  }

  return { ThresholdModel, ThresholdView };
}
