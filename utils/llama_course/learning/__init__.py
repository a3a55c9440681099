"""What tells a learner how it is going: checks, hints, quizzes and progress, all without a network."""
