import { Panel } from '@lumino/widgets';
import { Drawing } from './drawing';
import { DrawingWidget } from './drawing-widget';

class Picture extends Drawing {}

describe('DrawingWidget', () => {
  it('shows the element of a drawing, and disposes it', () => {
    const drawing = new Picture('moe-Test');
    const panel = new Panel();
    panel.addWidget(new DrawingWidget(drawing));
    expect(drawing.node.parentElement).toBe(panel.node);
    panel.dispose();
    expect(drawing.isDisposed).toBe(true);
    expect(panel.node.childElementCount).toBe(0);
  });
});
