"""From a paper's PDF or a study's findings to a thread of posts and a poster ad in which every fact has its evidence. Runs without torch."""
