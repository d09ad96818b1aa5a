/** Facts as the published config.json files and the code of transformers have them. */
import { factsOf } from './model-facts';

describe('factsOf', () => {
  it('reads Mixtral-8x7B, whose weights always sum to 1', () => {
    expect(
      factsOf({
        model_type: 'mixtral',
        num_local_experts: 8,
        num_experts_per_tok: 2,
        num_hidden_layers: 32
      })
    ).toEqual({
      experts: 8,
      topK: 2,
      layers: 32,
      dense: [],
      biased: false,
      renormalized: true
    });
  });

  it('reads DeepSeek-V3: a bias selects, groups are ranked by their two best', () => {
    expect(
      factsOf({
        model_type: 'deepseek_v3',
        n_routed_experts: 256,
        num_experts_per_tok: 8,
        n_shared_experts: 1,
        num_hidden_layers: 61,
        first_k_dense_replace: 3,
        scoring_func: 'sigmoid',
        topk_method: 'noaux_tc',
        n_group: 8,
        topk_group: 4,
        norm_topk_prob: true,
        routed_scaling_factor: 2.5
      })
    ).toEqual({
      experts: 256,
      topK: 8,
      layers: 61,
      dense: [0, 1, 2],
      sharedExperts: 1,
      biased: true,
      score: 'sigmoid',
      renormalized: true,
      scale: 2.5,
      groups: { count: 8, selected: 4, score: 'top2-sum' }
    });
  });

  const V2 = {
    model_type: 'deepseek_v2',
    n_routed_experts: 160,
    num_experts_per_tok: 6,
    num_hidden_layers: 60,
    scoring_func: 'softmax',
    topk_method: 'group_limited_greedy',
    n_group: 8,
    topk_group: 3,
    norm_topk_prob: false,
    routed_scaling_factor: 16
  };

  it('reads DeepSeek-V2: groups are ranked by their best, weights are scaled', () => {
    expect(factsOf(V2)).toMatchObject({
      biased: false,
      renormalized: false,
      scale: 16,
      groups: { count: 8, selected: 3, score: 'max' }
    });
  });

  it.each([
    ['selects greedily', { topk_method: 'greedy' }],
    ['has one group', { n_group: 1, topk_group: 1 }],
    ['does not say how many groups are selected', { topk_group: null }]
  ])('reads no groups where the model %s', (_what, change) => {
    expect(factsOf({ ...V2, ...change }).groups).toBeUndefined();
  });

  it('does not scale where DeepSeek-V2 divides by the sum, and scales where a later model does both', () => {
    const both = { ...V2, norm_topk_prob: true };
    expect(factsOf(both).scale).toBeUndefined();
    expect(factsOf({ ...both, model_type: 'deepseek_v3' }).scale).toBe(16);
  });

  it('takes a selection bias from the type of the model where no method is named', () => {
    expect(
      factsOf({ ...V2, topk_method: undefined, model_type: 'glm4_moe' })
    ).toMatchObject({
      biased: true,
      groups: { count: 8, selected: 3, score: 'top2-sum' }
    });
  });

  it.each<[string, object, number[]]>([
    ['every block', {}, []],
    ['every second block', { decoder_sparse_step: 2 }, [0, 2, 4]],
    [
      'every second block but one',
      { decoder_sparse_step: 2, mlp_only_layers: [3] },
      [0, 2, 3, 4]
    ],
    ['all blocks but the last', { mlp_only_layers: [5] }, [5]],
    ['a list that is none', { mlp_only_layers: 5 }, []]
  ])('reads the routers of Qwen in %s', (_what, change, dense) => {
    const facts = factsOf({
      model_type: 'qwen3_moe',
      num_experts: 128,
      num_experts_per_tok: 8,
      num_hidden_layers: 6,
      ...change
    });
    expect(facts).toMatchObject({ experts: 128, topK: 8, layers: 6, dense });
    expect(facts.renormalized).toBeUndefined();
  });

  it('bounds the blocks of an untrusted file', () => {
    const { dense } = factsOf({
      model_type: 'deepseek_v3',
      num_hidden_layers: 1e9,
      first_k_dense_replace: 1e9
    });
    expect(dense!.length).toBeLessThanOrEqual(10_000);
  });

  it("counts LongCat's blocks, not the two attentions of each", () => {
    const longcat = {
      model_type: 'longcat_flash',
      num_layers: 28,
      n_routed_experts: 512,
      zero_expert_num: 256,
      moe_topk: 12
    };
    expect(factsOf({ ...longcat, num_hidden_layers: 56 })).toMatchObject({
      experts: 768,
      topK: 12,
      layers: 28
    });
    expect(factsOf(longcat).layers).toBe(28);
    expect(factsOf({ ...longcat, num_hidden_layers: 30 }).layers).toBe(30);
  });

  it('reads the text part of a model of several kinds of input', () => {
    expect(
      factsOf({
        model_type: 'qwen3_vl_moe',
        num_hidden_layers: 27,
        text_config: {
          model_type: 'qwen3_vl_moe_text',
          num_experts: 64,
          num_experts_per_tok: 4,
          num_hidden_layers: 36
        }
      })
    ).toMatchObject({ experts: 64, topK: 4, layers: 36 });
  });

  it('takes no word for a score that it does not know', () => {
    expect(factsOf({ ...V2, scoring_func: 'sparsemax' }).score).toBeUndefined();
  });
});
