"""A recorded run of PPO, made up."""

from llama_course.evaluation.leash_runs import LeashRun


def a_run(plan="loose", seed=0, gold=(0.5, 0.9, 0.1), ended=0.2):
    count = len(gold)
    return LeashRun(
        plan=plan,
        seed=seed,
        reward=tuple(range(count)),
        gold=tuple(gold),
        kl=tuple(0.25 * (n + 1) ** 2 for n in range(count)),
        started=0.5,
        ended=ended,
        right=(0.5, 0.4),
        samples=(("Who?", "<b>me</b>", 2.5),),
        time_s=1.0,
    )
