/** Runs specs in the order in which they are named: the nearest to the mutant first. */
const Sequencer = require('@jest/test-sequencer').default;

const order = JSON.parse(process.env.MOE_DEBUGGER_SPECS ?? '[]');

module.exports = class extends Sequencer {
  sort(tests) {
    return [...tests].sort(
      (a, b) => order.indexOf(a.path) - order.indexOf(b.path)
    );
  }
};
