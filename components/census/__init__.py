"""The census (普查 → 核准 → 入库): from a surveyor's file to the register, and back if need be."""
