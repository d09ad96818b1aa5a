import { ReactDrawing } from '../drawing';
import { DrawingWidget } from '../drawing-widget';

/** A section with a list. It scrolls when the sections above leave too little room. */
export class ListPanel extends DrawingWidget {
  constructor(className: string, label: string, list: JSX.Element) {
    super(new ReactDrawing(list, className));
    this.title.label = label;
    this.node.tabIndex = 0;
  }
}
