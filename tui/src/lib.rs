//! What a terminal shows of a run. The live view comes here; it will draw what `bivalent_sim` says
//! and hold no rule of the system.
